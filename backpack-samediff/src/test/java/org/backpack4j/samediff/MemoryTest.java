package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.internal.evaluate.MachineMemory;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.internal.execution.run.MemoryLimit;
import org.backpack4j.samediff.internal.extend.Noise;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.LocalResponseNormalizationConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;

/** How much memory an evaluation takes, and what happens where it is too much. */
class MemoryTest {
  private static final int SAMPLES = 12;

  private static SameDiff convolutional() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 8, 8);
    SDVariable labels = sd.placeHolder("labels", DataType.DOUBLE, -1, 6);
    SDVariable w = sd.var("w", Nd4j.rand(DataType.DOUBLE, 3, 3, 2, 4).subi(0.5));
    Conv2DConfig config =
        Conv2DConfig.builder().kH(3).kW(3).sH(1).sW(1).paddingMode(PaddingMode.SAME).build();
    SDVariable h = sd.nn().relu(sd.cnn().conv2d(x, w, config), 0);
    SDVariable dense = sd.var("dense", Nd4j.rand(DataType.DOUBLE, 256, 6).subi(0.5));
    SDVariable logits = sd.reshape(h, -1, 256).mmul(dense);
    sd.loss().softmaxCrossEntropy("loss", labels, logits, null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, SAMPLES, 6);
    for (int n = 0; n < SAMPLES; n++) {
      labels.putScalar(n, n % 6, 1);
    }
    return Map.of("x", Nd4j.rand(DataType.DOUBLE, SAMPLES, 2, 8, 8), "labels", labels);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.5, 0.7, 0.9})
  void anyBudgetGivesTheSameNumbers(double share) {
    SameDiff sd = convolutional();
    Map<String, INDArray> feeds = feeds();
    try (ExtendedGraph whole = BackPack.extend(sd, new DiagGGNExact(), new Variance())) {
      List<String> names = new ArrayList<>(whole.outputNames());
      names.add("loss");
      long all = whole.memory(feeds, names).work();
      long budget = Math.max(1, (long) (share * all));
      try (ExtendedGraph little =
          BackPack.on(sd).memoryBudget(budget).extend(new DiagGGNExact(), new Variance())) {
        long less = little.memory(feeds, names).work();
        assertThat(less).isLessThan(all);
        if (share > 0) {
          assertThat(less).isBetween(budget / 2, budget);
        }
        Checked.compare("in portions", whole.output(feeds, names), little.output(feeds, names));
      }
    }
  }

  @Test
  void groupsOfSamplesAreReportedAndCanBeStopped() {
    SameDiff sd = convolutional();
    Map<String, INDArray> feeds = feeds();
    List<String> names = List.of("w.diag_ggn_exact");
    List<String> heard = new ArrayList<>();
    Progress stopsOnce =
        (work, done, total) -> {
          heard.add(work + " " + done + " of " + total);
          if (heard.size() == 3) {
            Thread.currentThread().interrupt();
          }
        };
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact());
        PlannedGraph single =
            graph.planned(graph.options().withBudget(Checked.SINGLE).withProgress(stopsOnce))) {
      assertThatThrownBy(() -> single.output(feeds, names))
          .isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(heard)
          .containsExactly(
              "evaluate samples 0 of 12", "evaluate samples 1 of 12", "evaluate samples 2 of 12");
      single.output(feeds, names);
      assertThat(heard).hasSize(3 + SAMPLES).last().isEqualTo("evaluate samples 11 of 12");
    }
  }

  @Test
  void defaultBudgetFollowsTheMachine() {
    long mebi = 1L << 20;
    assertThat(MachineMemory.budget(2, 24L << 30)).isEqualTo(128 * mebi);
    assertThat(MachineMemory.budget(16, 256L << 30)).isEqualTo(1024 * mebi);
    assertThat(MachineMemory.budget(64, 64L << 30)).isEqualTo(1024 * mebi);
    assertThat(MachineMemory.budget(8, 2L << 30)).isEqualTo(128 * mebi);
  }

  /** Beyond a convolution that also has a weight gradient, samples must still be divided. */
  @Test
  void gradientsOfConvolutionsAreDivided() {
    SameDiff sd = SameDiff.create();
    SDVariable h = sd.placeHolder("x", DataType.DOUBLE, -1, 10, 12, 12);
    Conv2DConfig config =
        Conv2DConfig.builder().kH(3).kW(3).sH(1).sW(1).paddingMode(PaddingMode.SAME).build();
    for (int layer = 0; layer < 4; layer++) {
      SDVariable w = sd.var("w" + layer, Nd4j.rand(DataType.DOUBLE, 3, 3, 10, 10).subi(0.5));
      h = sd.math().tanh(sd.cnn().conv2d(h, w, config));
    }
    h.mul(h).sum("loss", 1, 2, 3);
    sd.setLossVariables("loss");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.DOUBLE, 20, 10, 12, 12));
    try (ExtendedGraph whole = BackPack.extend(sd);
        ExtendedGraph little = BackPack.on(sd).memoryBudget(1).extend()) {
      List<String> names = whole.outputNames();
      assertThat(whole.sameDiff().getOps().values())
          .anyMatch(op -> op.getOp().opName().equals("conv2d_bp"));
      assertThat(little.memory(feeds, names).work())
          .isLessThan(whole.memory(feeds, names).work() / 3);
      Checked.compare("divided", whole.output(feeds, names), little.output(feeds, names));
    }
  }

  private static final int CLASSES = 300;

  /** A small image, as many classes as make one sample's columns large. */
  private static SameDiff manyClasses() {
    SameDiff sd = SameDiff.create();
    SDVariable h = sd.placeHolder("x", DataType.DOUBLE, -1, 1, 16, 16);
    SDVariable labels = sd.placeHolder("labels", DataType.DOUBLE, -1, CLASSES);
    Conv2DConfig config =
        Conv2DConfig.builder().kH(3).kW(3).sH(1).sW(1).paddingMode(PaddingMode.SAME).build();
    SDVariable w = sd.var("w", Nd4j.rand(DataType.DOUBLE, 3, 3, 1, 8).subi(0.5));
    h = sd.nn().relu(sd.cnn().conv2d(h, w, config), 0);
    SDVariable w1 = sd.var("w1", Nd4j.rand(DataType.DOUBLE, 3, 3, 8, 8).subi(0.5));
    h = sd.math().tanh(sd.cnn().conv2d(h, w1, config));
    SDVariable dense = sd.var("dense", Nd4j.rand(DataType.DOUBLE, 8, CLASSES).subi(0.5));
    sd.loss().softmaxCrossEntropy("loss", labels, h.mean(2, 3).mmul(dense), null);
    return sd;
  }

  private static Map<String, INDArray> manyClassesFeeds(int samples) {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples, CLASSES);
    for (int n = 0; n < samples; n++) {
      labels.putScalar(n, 7 * n % CLASSES, 1);
    }
    return Map.of("x", Nd4j.rand(DataType.DOUBLE, samples, 1, 16, 16), "labels", labels);
  }

  @Test
  void columnsOfManyClassesKeepWithinTheBudget() {
    SameDiff sd = manyClasses();
    Extension[] extensions = {
      new DiagGGNExact(), new BatchDiagGGNExact(), new BatchGrad(), new DiagGGNMC(40)
    };
    Map<String, INDArray> one = new HashMap<>(manyClassesFeeds(1));
    Map<String, INDArray> some = new HashMap<>(manyClassesFeeds(3));
    long budget = 4L << 20;
    try (ExtendedGraph whole = BackPack.on(sd).memoryBudget(1L << 32).extend(extensions);
        ExtendedGraph little = BackPack.on(sd).memoryBudget(budget).extend(extensions);
        ExtendedGraph least = BackPack.on(sd).memoryBudget(1).extend(extensions)) {
      List<String> names = whole.outputNames();
      assertThat(little.outputNames()).isEqualTo(names);
      assertThat(whole.memory(one, names).work()).isGreaterThan(2 * budget);
      assertThat(little.memory(one, names).work()).isLessThanOrEqualTo(budget);
      assertThat(least.memory(one, names).work()).isLessThan(little.memory(one, names).work());
      for (Map<String, INDArray> feeds : List.of(one, some)) {
        long samples = feeds.get("x").size(0);
        feeds.put(Noise.PLACEHOLDER, Nd4j.rand(DataType.DOUBLE, samples, 40));
        Map<String, INDArray> expected = whole.output(feeds, names);
        Checked.compare("in groups", expected, little.output(feeds, names));
        Checked.compare("in 32 groups", expected, least.output(feeds, names));
        Checked.compare(
            "by SameDiff", expected, least.sameDiff().output(feeds, names.toArray(new String[0])));
      }
    }
  }

  /** A square root of the curvature, which is no sum over its columns: it must get all of them. */
  private static final class Root implements Extension {
    @Override
    public String field() {
      return "root";
    }

    @Override
    public Columns columns() {
      return Columns.EXACT;
    }

    @Override
    public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
      assertThat(contributions).hasSize(1);
      return contributions.get(0).perSample();
    }
  }

  @Test
  void whatIsNoSumOverColumnsGetsAllOfThem() {
    SameDiff sd = convolutional();
    Map<String, INDArray> feeds = feeds();
    List<String> names = List.of("w.root", "w.diag_ggn_exact");
    try (ExtendedGraph whole = BackPack.extend(sd, new Root(), new DiagGGNExact());
        ExtendedGraph little =
            BackPack.on(sd).memoryBudget(1).extend(new Root(), new DiagGGNExact())) {
      Map<String, INDArray> out = little.output(feeds, names);
      assertThat(out.get("w.root").shape()).containsExactly(SAMPLES, 5, 3, 3, 2, 4);
      Checked.compare("least memory", whole.output(feeds, names), out);
    }
  }

  @Test
  void budgetMustBePositive() {
    assertThatThrownBy(() -> BackPack.on(convolutional()).memoryBudget(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("0 bytes");
  }

  @Test
  void tellsBeforehand() {
    Map<String, INDArray> feeds = feeds();
    try (ExtendedGraph graph = BackPack.extend(convolutional(), new BatchGrad(), new DiagGGNMC())) {
      MemoryUse use =
          graph.memory(feeds, List.of("w.grad_batch", "w.grad", "w.diag_ggn_mc", "loss"));
      long weights = 3 * 3 * 2 * 4 * Double.BYTES;
      assertThat(use.results()).isEqualTo((SAMPLES + 2) * weights);
      assertThat(use.work()).isPositive();
      assertThat(use.total()).isEqualTo(use.results() + use.work());
      assertThat(use.toString()).contains("0.0 MiB of results");
    }
  }

  /** Images as predictions: the columns of one sample are many times what the machine has. */
  @Test
  void refusesWhatItWouldWorkIn() {
    SameDiff sd = SameDiff.create();
    int entries = 512 * 512 * 3;
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, entries);
    SDVariable w = sd.var("w", Nd4j.zeros(DataType.FLOAT, 1));
    sd.loss()
        .meanSquaredError("loss", sd.placeHolder("y", DataType.FLOAT, -1, entries), x.mul(w), null);
    INDArray images = Nd4j.zeros(DataType.FLOAT, 1, entries);
    Map<String, INDArray> feeds = Map.of("x", images, "y", images);
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact(), new DiagGGNMC())) {
      List<String> exact = List.of("w.diag_ggn_exact");
      assertThat(graph.memory(feeds, exact).work()).isGreaterThan(MemoryLimit.machine());
      assertThatThrownBy(() -> graph.output(feeds, exact))
          .isInstanceOf(NoRoomException.class)
          .hasMessageContaining("w.diag_ggn_exact")
          .hasMessageContaining("The largest part is \"backpack/loss")
          .hasMessageContaining("DiagGGNMC");
      assertThat(graph.output(feeds, "w.diag_ggn_mc").get("w.diag_ggn_mc").getDouble(0)).isZero();
    }
  }

  private static long largestConstant(SameDiff sd) {
    return sd.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.CONSTANT)
        .mapToLong(v -> v.getArr().length())
        .max()
        .orElse(0);
  }

  private interface Head {
    SDVariable of(SameDiff sd, SDVariable z);
  }

  private static Arguments head(String name, Head head) {
    return Arguments.of(name, head);
  }

  static Stream<Arguments> wideHeads() {
    return Stream.of(
        head("squares", (sd, z) -> sd.math().square(z).mean()),
        head("a product", (sd, z) -> z.mul(sd.math().sin(z)).mean()),
        head("softmax", (sd, z) -> sd.math().square(sd.nn().softmax(z)).mean()),
        head("log softmax", (sd, z) -> sd.nn().logSoftmax(z).mul(0.3).mean()),
        head("standardised", (sd, z) -> sd.math().square(sd.math().standardize(z, 1)).mean()),
        head(
            "a product of matrices",
            (sd, z) -> z.reshape(-1, 20, 20).mmul(z.reshape(-1, 20, 20)).mean()),
        head("a norm", (sd, z) -> sd.norm2(z, 1).mean()),
        head("a trace", (sd, z) -> sd.math().trace(z.reshape(-1, 1, WIDE)).add(z.mean(1)).mean()),
        head(
            "neighbours",
            (sd, z) ->
                sd.cnn()
                    .localResponseNormalization(
                        z.reshape(-1, 1, 1, WIDE),
                        LocalResponseNormalizationConfig.builder()
                            .alpha(1)
                            .beta(0.5)
                            .bias(1)
                            .depth(2)
                            .build())
                    .mean()),
        head("log poisson", (sd, z) -> sd.loss().logPoisson(z.mul(0), z, null, false)));
  }

  private static final int WIDE = 400;

  /** No constant grows as the square of an extent; nor does a saved graph, which holds them. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("wideHeads")
  void noConstantIsSquare(String name, Head head) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, WIDE);
    SDVariable z = x.mul("z", sd.var("w", Nd4j.rand(DataType.DOUBLE, WIDE)));
    head.of(sd, z).rename("loss");
    sd.setLossVariables("loss");
    try (ExtendedGraph graph =
        BackPack.on(sd)
            .predictions("z")
            .lenient()
            .extend(new DiagGGNExact(), new DiagGGNMC(), new BatchGrad())) {
      assertThat(largestConstant(graph.sameDiff())).isLessThanOrEqualTo(8 * WIDE);
    }
  }

  private static SameDiff lookingUp(int rows, boolean tied) {
    Nd4j.getRandom().setSeed(6);
    SameDiff sd = SameDiff.create();
    SDVariable table = sd.var("table", Nd4j.rand(DataType.DOUBLE, rows, 5).subi(0.5));
    SDVariable h = sd.gather(table, sd.placeHolder("ids", DataType.INT32, -1, 20), 0).mean(1);
    if (tied) {
      SDVariable z = sd.mmul(h, table, false, true, false);
      sd.loss().sparseSoftmaxCrossEntropy(z, sd.placeHolder("y", DataType.INT32, -1)).sum("loss");
    } else {
      sd.math().tanh(h).sum("loss");
    }
    sd.setLossVariables("loss");
    return sd;
  }

  /**
   * Gradients of a table's rows take less than a third beside the gradients themselves, whatever
   * the number of rows is divided by; where they are not asked for, those of a few samples at a
   * time.
   */
  @ParameterizedTest
  @CsvSource({"4000, false", "4001, false", "4000, true", "4001, true"})
  void gradientsOfATableTakeLittleMemory(int rows, boolean tied) {
    int samples = 12;
    Nd4j.getRandom().setSeed(7);
    Map<String, INDArray> feeds = new HashMap<>();
    feeds.put("ids", Nd4j.rand(samples, 20).muli(rows).castTo(DataType.INT32));
    if (tied) {
      feeds.put("y", Nd4j.zeros(DataType.INT32, samples));
    }
    String name = tied ? "table.batch_l2" : "table.grad_batch";
    Extension extension = tied ? new BatchL2Grad() : new BatchGrad();
    long each = rows * 5L * Double.BYTES;
    SameDiff sd = lookingUp(rows, tied);
    try (ExtendedGraph whole = BackPack.on(sd).memoryBudget(1L << 32).extend(extension);
        ExtendedGraph little = BackPack.on(sd).memoryBudget(1).extend(extension)) {
      long work = little.memory(feeds, List.of(name)).work();
      assertThat(work).isLessThan(tied ? 5 * each : samples * each / 3);
      Checked.compare(
          "sample by sample",
          whole.output(feeds, List.of(name)),
          little.output(feeds, List.of(name)));
    }
  }

  /**
   * Gradients of 20 million samples of a million weights: nothing must run before it is refused.
   */
  @Test
  void refusesWhatCannotFit() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 1);
    SDVariable w = sd.var("w", Nd4j.zeros(DataType.FLOAT, 1, 1_000_000));
    x.mmul(w).mul("loss", 1.0);
    sd.setLossVariables("loss");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.zeros(DataType.FLOAT, 20_000_000, 1));
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      assertThatThrownBy(() -> graph.output(feeds, "w.grad_batch", "w.grad"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("20000000 samples need 74505.8 GiB")
          .hasMessageContaining("w.grad_batch: 74505.8 GiB")
          .hasMessageContaining("batch_l2");
    }
  }
}
