package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.execution.PlannedGraph;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.backpack4j.samediff.progress.Progress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
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
            graph.planned(graph.hints().withBudget(Checked.SINGLE).withProgress(stopsOnce))) {
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
    public Tensor compute(Emitter emit, List<Contribution> contributions) {
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
