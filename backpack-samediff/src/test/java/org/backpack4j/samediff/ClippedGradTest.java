package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.ClippedGrad;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.OpCases;
import org.backpack4j.samediff.testing.RandomGraph;
import org.backpack4j.samediff.testing.Seeds;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Sums of clipped gradients are those of {@code grad_batch}'s rows, clipped and added up by hand.
 */
class ClippedGradTest {

  /** The clipped sums by hand. */
  private record ByHand(Map<String, INDArray> sums, double[][] norms, double[] clipped) {}

  /**
   * Clips the rows of {@code grad_batch}.
   *
   * @param group the group of a parameter
   * @param bound the bound of a group; none for automatic clipping by 0.01
   */
  private static ByHand byHand(
      Map<String, INDArray> results,
      double divisor,
      Function<String, String> group,
      Function<String, Double> bound) {
    Map<String, Map<String, INDArray>> groups = new LinkedHashMap<>();
    results.forEach(
        (name, array) -> {
          if (name.endsWith(".grad_batch")) {
            String parameter = name.substring(0, name.lastIndexOf('.'));
            groups
                .computeIfAbsent(group.apply(parameter), g -> new LinkedHashMap<>())
                .put(parameter, array.castTo(DataType.DOUBLE).muli(divisor));
          }
        });
    Map<String, INDArray> sums = new LinkedHashMap<>();
    List<double[]> norms = new ArrayList<>();
    List<Double> clipped = new ArrayList<>();
    groups.forEach(
        (name, rows) -> {
          int samples = (int) rows.values().iterator().next().size(0);
          double[] of = new double[samples];
          double above = 0;
          for (int n = 0; n < samples; n++) {
            double square = 0;
            for (INDArray all : rows.values()) {
              INDArray row = all.slice(n);
              square += row.mul(row).sumNumber().doubleValue();
            }
            of[n] = Math.sqrt(square);
            Double most = bound.apply(name);
            double weight = most == null ? 1 / (of[n] + 0.01) : Math.min(1, most / (of[n] + 1e-6));
            above += most != null && of[n] + 1e-6 > most ? 1 : 0;
            for (Map.Entry<String, INDArray> e : rows.entrySet()) {
              INDArray part = e.getValue().slice(n).mul(weight);
              sums.merge(e.getKey(), part, INDArray::add);
            }
          }
          norms.add(of);
          clipped.add(above);
        });
    return new ByHand(
        sums,
        norms.toArray(new double[0][]),
        clipped.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static void compare(Map<String, INDArray> results, ByHand expected, double tolerance) {
    expected
        .sums()
        .forEach(
            (parameter, sum) -> {
              INDArray ours = results.get(parameter + ".clipped_grad");
              assertThat(ours.shape()).as(parameter).isEqualTo(sum.shape());
              double off = ours.castTo(DataType.DOUBLE).sub(sum).amaxNumber().doubleValue();
              double largest = sum.amaxNumber().doubleValue();
              assertThat(off).as(parameter).isLessThanOrEqualTo(tolerance * largest + 1e-300);
            });
    INDArray norms = results.get("clipped_grad.norms");
    for (int g = 0; g < expected.norms().length; g++) {
      for (int n = 0; n < expected.norms()[g].length; n++) {
        double norm = expected.norms()[g][n];
        assertThat(norms.getDouble(n, g)).isCloseTo(norm, within(tolerance * Math.max(norm, 1e-9)));
      }
    }
    INDArray clipped = results.get("clipped_grad.clipped");
    if (clipped != null) {
      assertThat(clipped.toDoubleVector()).isEqualTo(expected.clipped());
    }
  }

  /** The median of norms over all parameters: about half of the samples are clipped. */
  private static double median(SameDiff sd, Map<String, INDArray> feeds, double divisor) {
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      double[] norms =
          byHand(graph.output(feeds, graph.outputNames()), divisor, p -> "", g -> 1.0).norms()[0];
      double[] sorted = norms.clone();
      Arrays.sort(sorted);
      double middle = sorted[(sorted.length - 1) / 2];
      return middle > 0 ? 1.0001 * middle : 1;
    }
  }

  /** Evaluates clipped sums and grad_batch, also a sample at a time, and compares. */
  private static void check(SameDiff sd, Map<String, INDArray> feeds, double divisor) {
    double bound = median(sd, feeds, divisor);
    for (Extension extension :
        List.of(
            ClippedGrad.flat(bound),
            ClippedGrad.grouped(p -> p, p -> bound),
            ClippedGrad.automatic(0.01))) {
      ByHand expected;
      try (ExtendedGraph graph = BackPack.extend(sd, extension, new BatchGrad())) {
        Map<String, INDArray> all = graph.output(feeds, graph.outputNames());
        boolean automatic = all.get("clipped_grad.clipped") == null;
        boolean flat = automatic || all.get("clipped_grad.norms").size(1) == 1;
        expected =
            byHand(all, divisor, p -> flat ? "" : p, g -> automatic ? null : Double.valueOf(bound));
        compare(all, expected, 1e-9);
      }
      try (ExtendedGraph alone = BackPack.extend(sd, extension);
          PlannedGraph one =
              Executions.planned(alone, Executions.options(alone).withBudget(Checked.SINGLE))) {
        compare(alone.output(feeds, alone.outputNames()), expected, 1e-9);
        compare(one.output(feeds, alone.outputNames()), expected, 1e-9);
      }
    }
  }

  private static double samples(Map<String, INDArray> feeds) {
    return feeds.get("x").size(0);
  }

  @Test
  void ofRandomGraphs() {
    AtomicInteger checked = new AtomicInteger();
    Seeds.check(
        LongStream.range(0, 20),
        seed -> {
          RandomGraph random = new RandomGraph(seed);
          if (areApart(random.graph())) {
            check(random.graph(), random.feeds(), samples(random.feeds()));
            checked.incrementAndGet();
          } else {
            assertThatThrownBy(() -> BackPack.extend(random.graph(), ClippedGrad.flat(1)))
                .isInstanceOf(UnsupportedGraphException.class);
          }
        });
    assertThat(checked.get()).isBetween(10, 19);
  }

  /** Whether each sample's part of the loss depends on that sample alone. */
  private static boolean areApart(SameDiff sd) {
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      graph.batchWeights();
      return true;
    } catch (UnsupportedGraphException e) {
      return false;
    }
  }

  /**
   * Every layer's kind of contribution: an op's first input is made of samples, the others are
   * parameters.
   */
  @Test
  void ofEveryKindOfLayer() {
    for (OpCase op : OpCases.all()) {
      boolean layer = LAYERS.stream().anyMatch(op.name()::startsWith);
      if (layer) {
        try {
          ofLayer(op);
        } catch (AssertionError | RuntimeException e) {
          throw new AssertionError(op.name(), e);
        }
      }
    }
  }

  private static final List<String> LAYERS =
      List.of(
          "linear",
          "conv1d",
          "conv2d",
          "conv3d",
          "depthWise",
          "separable",
          "deconv",
          "layerNorm",
          "lstmLayer",
          "gru",
          "multiHead",
          "biasAdd");

  /**
   * The first input, and what else each sample has of its own, is fed; the others are parameters.
   */
  private static void ofLayer(OpCase op) {
    boolean timeFirst = op.name().startsWith("lstmLayer") || op.name().startsWith("gru");
    String input = op.variables().keySet().iterator().next();
    int axis = timeFirst ? 1 : 0;
    SameDiff sd = SameDiff.create();
    Map<String, INDArray> feeds = new HashMap<>();
    op.variables()
        .forEach(
            (name, array) -> {
              boolean ofSamples =
                  name.equals(input)
                      || (op.name().startsWith("multiHead") && Set.of("k", "v").contains(name))
                      || (op.name().startsWith("gru") && name.equals("h"));
              if (ofSamples) {
                long[] shape = array.shape().clone();
                shape[name.equals(input) ? axis : 0] = -1;
                sd.placeHolder(name, DataType.DOUBLE, shape);
                feeds.put(name, array.dup());
              } else {
                sd.var(name, array.dup());
              }
            });
    SDVariable bent = sd.math().tanh(op.builder().apply(sd));
    sd.setLossVariables(bent.mul(bent).sum().add("loss", 0).name());
    BackPack.Builder builder = BackPack.on(sd);
    if (timeFirst) {
      builder = builder.sampleAxis(input, axis);
    }
    double bound = 0.7;
    try (ExtendedGraph graph = builder.extend(ClippedGrad.flat(bound), new BatchGrad())) {
      Map<String, INDArray> all = graph.output(feeds, graph.outputNames());
      compare(all, byHand(all, 1, p -> "", g -> bound), 1e-9);
    }
  }

  // ---- the scale of a sample's own loss ----

  /** x [N, 5] → tanh(x w) → z [N, 3], with samples' weights k [N, 1]. */
  private static SameDiff weighted(LossReduce reduction) {
    Nd4j.getRandom().setSeed(5);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable k = sd.placeHolder("k", DataType.DOUBLE, -1, 1);
    SDVariable h = sd.math().tanh(x.mmul(sd.var("w", Graphs.random(5, 4))));
    SDVariable z = h.mmul("z", sd.var("v", Graphs.random(4, 3)));
    sd.loss().meanSquaredError("loss", y, z, k, reduction);
    return sd;
  }

  /** The bound is in one scale, whatever the loss divides by; weights of zero are no division. */
  @ParameterizedTest
  @CsvSource({"SUM, 1", "MEAN_BY_WEIGHT, 3", "MEAN_BY_NONZERO_WEIGHT_COUNT, 3"})
  void withoutWhatTheLossDividesBy(LossReduce reduction, double divisor) {
    SameDiff sd = weighted(reduction);
    Map<String, INDArray> feeds = new HashMap<>(Graphs.feeds(4));
    feeds.put("k", Nd4j.createFromArray(1.0, 0, 0.5, 1.5).reshape(4, 1)); // Σ 3, 3 not zero
    check(sd, feeds, divisor);
  }

  /** A sample's norm does not depend on how many others there are; its row of a mean does. */
  @Test
  void otherSamplesChangeNothing() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(6);
    Map<String, INDArray> few = new HashMap<>();
    feeds.forEach((name, array) -> few.put(name, array.get(NDArrayIndex.interval(0, 2)).dup()));
    try (ExtendedGraph graph = BackPack.extend(sd, ClippedGrad.flat(0.3))) {
      INDArray all = graph.output(feeds, "clipped_grad.norms").get("clipped_grad.norms");
      INDArray some = graph.output(few, "clipped_grad.norms").get("clipped_grad.norms");
      assertThat(all.get(NDArrayIndex.interval(0, 2)).equalsWithEps(some, 1e-13)).isTrue();
    }
  }

  @Test
  void isThatOfBruteForce() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(5);
    double bound = median(sd, feeds, 5);
    BruteForce brute = BruteForce.on(sd, feeds);
    try (ExtendedGraph graph = BackPack.extend(sd, ClippedGrad.flat(bound))) {
      Map<String, INDArray> ours = graph.output(feeds, graph.outputNames());
      assertThat(ours.get("clipped_grad.clipped").getDouble(0)).isEqualTo(2);
      brute
          .clippedGradient(bound, 5)
          .forEach(
              (name, sum) ->
                  assertThat(ours.get(name + ".clipped_grad").sub(sum).amaxNumber().doubleValue())
                      .as(name)
                      .isLessThan(1e-7));
    }
  }

  // ---- particular samples ----

  @Test
  void ofOneSample() {
    SameDiff sd = Graphs.perceptron();
    check(sd, Graphs.feeds(1), 1);
  }

  /** Zero gradients have no direction, and no weight of theirs is infinite. */
  @Test
  void ofSamplesWithoutAGradient() {
    SameDiff sd = weighted(LossReduce.SUM);
    Map<String, INDArray> feeds = new HashMap<>(Graphs.feeds(3));
    feeds.put("k", Nd4j.zeros(DataType.DOUBLE, 3, 1));
    for (Extension one : List.of(ClippedGrad.flat(1), ClippedGrad.automatic(0.01))) {
      try (ExtendedGraph graph = BackPack.extend(sd, one)) {
        Map<String, INDArray> all = graph.output(feeds, graph.outputNames());
        assertThat(all.get("w.clipped_grad").amaxNumber().doubleValue()).isZero();
        assertThat(all.get("clipped_grad.norms").amaxNumber().doubleValue()).isZero();
      }
    }
  }

  /** Adding a sample never moves the sum by more than the bound. */
  @Test
  void noSampleMovesTheSumByMoreThanTheBound() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(5);
    feeds.get("x").getRow(4).muli(1e4);
    Map<String, INDArray> without = new HashMap<>();
    feeds.forEach((name, array) -> without.put(name, array.get(NDArrayIndex.interval(0, 4)).dup()));
    double bound = 0.05;
    try (ExtendedGraph graph = BackPack.extend(sd, ClippedGrad.flat(bound))) {
      Map<String, INDArray> all = graph.output(feeds, graph.outputNames());
      Map<String, INDArray> some = graph.output(without, graph.outputNames());
      double square = 0;
      for (String p : List.of("w", "b", "v")) {
        double moved =
            all.get(p + ".clipped_grad")
                .sub(some.get(p + ".clipped_grad"))
                .norm2Number()
                .doubleValue();
        square += moved * moved;
      }
      assertThat(Math.sqrt(square)).isCloseTo(bound, within(1e-5 * bound));
      assertThat(Math.sqrt(square)).isLessThanOrEqualTo(bound * (1 + 1e-9));
    }
  }

  // ---- what is fed ----

  @Test
  void boundsAreFed() {
    SameDiff sd = Graphs.perceptron();
    try (ExtendedGraph fed = BackPack.extend(sd, new ClippedGrad(), new BatchGrad())) {
      for (double bound : new double[] {0.02, 0.3, 10}) {
        Map<String, INDArray> feeds = new HashMap<>(Graphs.feeds(5));
        feeds.put(ClippedGrad.BOUND, Nd4j.scalar(bound));
        Map<String, INDArray> all = fed.output(feeds, fed.outputNames());
        compare(all, byHand(all, 5, p -> "", g -> bound), 1e-10);
      }
    }
    assertThatThrownBy(() -> new SameDiffBackPackListener(new ClippedGrad()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Weights of zero leave samples out, also one at a time and in single precision. */
  @Test
  void samplesAreLeftOut() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> few = Graphs.feeds(3);
    Map<String, INDArray> filled = new HashMap<>();
    few.forEach((name, array) -> filled.put(name, Nd4j.concat(0, array, array.mul(3))));
    filled.put(ClippedGrad.WEIGHTS, Nd4j.createFromArray(1.0, 1, 1, 0, 0, 0));
    ClippedGrad extension = ClippedGrad.flat(0.2);
    try (ExtendedGraph all = BackPack.extend(sd, extension.weighted());
        ExtendedGraph apart = BackPack.extend(sd, extension);
        PlannedGraph one =
            Executions.planned(all, Executions.options(all).withBudget(Checked.SINGLE))) {
      Map<String, INDArray> expected = apart.output(few, apart.outputNames());
      expected
          .keySet()
          .removeIf(name -> !name.endsWith("clipped_grad") && !name.endsWith("clipped"));
      Checked.compare("weights", expected, all.output(filled, all.outputNames()));
      Checked.compare("a sample at a time", expected, one.output(filled, all.outputNames()));
      assertThat(expected).hasSize(4);
    }
  }

  // ---- factors ----

  /** The weights go into the smaller factor: the inputs or the cotangents. */
  @ParameterizedTest
  @CsvSource({"2, 7", "7, 2"})
  void ofDenseLayersOfEitherShape(int inputs, int outputs) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, inputs);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, outputs);
    SDVariable z = sd.math().tanh(x.mmul(sd.var("w", Graphs.random(inputs, outputs))));
    sd.loss().meanSquaredError("loss", y, z, null);
    check(sd, Map.of("x", Graphs.random(5, inputs), "y", Graphs.random(5, outputs)), 5);
  }

  /** Norms by Gram matrices, sums by weighted factors: where there is a wider type. */
  @Test
  void inSinglePrecision() {
    Nd4j.getRandom().setSeed(3);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 6, 6, 3);
    SDVariable y = sd.placeHolder("y", DataType.FLOAT, -1, 4);
    Conv2DConfig config = Conv2DConfig.builder().kH(4).kW(4).dataFormat("NHWC").build();
    SDVariable kernel = sd.var("kernel", Nd4j.rand(DataType.FLOAT, 4, 4, 3, 24).subi(0.5));
    SDVariable h =
        sd.math().tanh(sd.cnn().conv2d(x, kernel, config)); // 9 positions, 48 · 24 entries
    SDVariable rows = h.reshape(-1, 9 * 24);
    SDVariable z = rows.mmul(sd.var("w", Nd4j.rand(DataType.FLOAT, 9 * 24, 4).subi(0.5)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    Map<String, INDArray> feeds =
        Map.of(
            "x", Nd4j.rand(DataType.FLOAT, 7, 6, 6, 3).subi(0.3),
            "y", Graphs.oneHot(7, 4).castTo(DataType.FLOAT));
    double bound = median(sd, feeds, 7);
    try (ExtendedGraph alone = BackPack.extend(sd, ClippedGrad.flat(bound));
        ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      assertThat(alone.sameDiff().getVariables().values().stream())
          .as("no per-sample gradient of the kernel")
          .noneMatch(v -> isOfShape(v.getVariable(), 48, 24));
      Map<String, INDArray> ours = alone.output(feeds, alone.outputNames());
      Map<String, INDArray> rowsOf = graph.output(feeds, graph.outputNames());
      ByHand expected = byHand(rowsOf, 7, p -> "", g -> bound);
      compare(ours, expected, 1e-5);
    }
  }

  private static boolean isOfShape(SDVariable variable, long... sample) {
    long[] shape = variable.getShape();
    return shape != null
        && shape.length == 3
        && ((shape[1] == sample[0] && shape[2] == sample[1])
            || (shape[1] == sample[1] && shape[2] == sample[0]));
  }

  /** A table that is looked up twice, and multiplies as well: its uses meet before the norm. */
  @Test
  void ofTiedParameters() {
    SameDiff sd = SameDiff.create();
    SDVariable table = sd.var("table", Graphs.random(5, 2));
    SDVariable words = sd.placeHolder("x", DataType.INT32, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 5);
    SDVariable h = sd.math().tanh(sd.gather(table, words, 0).mean(1));
    SDVariable z = sd.mmul(h, table, false, true, false);
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    Map<String, INDArray> feeds =
        Map.of(
            "x", Nd4j.createFromArray(new int[][] {{1, 1, 4}, {0, 3, 0}, {2, 2, 2}}),
            "y", Graphs.oneHot(3, 5));
    check(sd, feeds, 3);
  }

  @Test
  void ofATableAlone() {
    SameDiff sd = SameDiff.create();
    SDVariable table = sd.var("table", Graphs.random(40, 2));
    SDVariable words = sd.placeHolder("x", DataType.INT32, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
    sd.loss()
        .softmaxCrossEntropy("loss", y, sd.math().tanh(sd.gather(table, words, 0)).sum(1), null);
    Map<String, INDArray> feeds =
        Map.of(
            "x", Nd4j.createFromArray(new int[][] {{1, 1, 39}, {0, 3, 0}, {2, 2, 2}}),
            "y", Graphs.oneHot(3, 2));
    check(sd, feeds, 3);
  }

  /** A parameter that the losses reach through nothing that carries a gradient has zeros. */
  @Test
  void ofAParameterWithoutAGradient() {
    SameDiff sd = Graphs.perceptron();
    SDVariable idle = sd.var("idle", Graphs.random(2, 2));
    sd.setLossVariables(
        sd.getVariable("loss").add("total", sd.math().sign(idle).sum().mul(0.1)).name());
    try (ExtendedGraph graph = BackPack.extend(sd, ClippedGrad.flat(0.2))) {
      Map<String, INDArray> all = graph.output(Graphs.feeds(3), graph.outputNames());
      assertThat(all.get("idle.clipped_grad")).isEqualTo(Nd4j.zeros(DataType.DOUBLE, 2, 2));
    }
  }

  // ---- data sets, choices, refusals ----

  @Test
  void ofADataSet() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(7);
    List<Map<String, INDArray>> batches = new ArrayList<>();
    List<INDArray> norms = new ArrayList<>();
    for (int[] part : new int[][] {{0, 3}, {3, 4}, {4, 7}}) {
      Map<String, INDArray> batch = new HashMap<>();
      feeds.forEach(
          (name, array) ->
              batch.put(name, array.get(NDArrayIndex.interval(part[0], part[1])).dup()));
      batches.add(batch);
    }
    try (ExtendedGraph graph = BackPack.extend(sd, ClippedGrad.flat(0.2))) {
      Map<String, INDArray> whole = graph.output(feeds, graph.outputNames());
      Map<String, INDArray> gathered =
          DataSetQuantities.of(graph)
              .rows((name, first, rows) -> norms.add(rows.dup()))
              .over(batches.iterator())
              .quantities()
              .outputs();
      INDArray joined = Nd4j.concat(0, norms.toArray(new INDArray[0]));
      assertThat(joined.equalsWithEps(whole.get("clipped_grad.norms"), 1e-12)).isTrue();
      for (String name : List.of("w.clipped_grad", "v.clipped_grad", "clipped_grad.clipped")) {
        assertThat(gathered.get(name).equalsWithEps(whole.get(name), 1e-12)).as(name).isTrue();
      }
    }
  }

  @Test
  void someParameters() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(4);
    try (ExtendedGraph graph =
        BackPack.on(sd).parameters("w", "b").extend(ClippedGrad.flat(0.05), new BatchGrad())) {
      Map<String, INDArray> all = graph.output(feeds, graph.outputNames());
      compare(all, byHand(all, 4, p -> "", g -> 0.05), 1e-10);
      assertThat(all).doesNotContainKey("v.clipped_grad");
    }
  }

  @Test
  void refusesBatchNormalisation() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable z = x.mmul("z", sd.var("w", Graphs.random(5, 3)));
    SDVariable normal = z.sub(z.mean(true, 0));
    sd.loss().softmaxCrossEntropy("loss", y, normal, null);
    assertThatThrownBy(() -> BackPack.extend(sd, ClippedGrad.flat(1)))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining(Refusal.COUPLED)
        .hasMessageContaining("clipped_grad");
    try (ExtendedGraph graph =
        BackPack.on(sd).lenient().extend(ClippedGrad.flat(1), new BatchGrad())) {
      assertThat(graph.outputNames()).contains("w.grad_batch").doesNotContain("w.clipped_grad");
      assertThat(graph.refusals()).anyMatch(r -> r.quantity().equals("clipped_grad"));
    }
  }

  @Test
  void boundsAreAboveZero() {
    for (double wrong : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> ClippedGrad.flat(wrong)).hasMessageContaining("above 0");
      assertThatThrownBy(() -> ClippedGrad.automatic(wrong)).hasMessageContaining("above 0");
      ClippedGrad each = ClippedGrad.grouped(p -> p, p -> wrong);
      assertThatThrownBy(() -> BackPack.extend(Graphs.perceptron(), each))
          .hasMessageContaining("above 0");
    }
  }
}
