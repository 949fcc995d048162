package org.backpack4j.samediff.internal.execution.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.backpack4j.samediff.internal.execution.Numbers.assertSame;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D.Pooling2DType.MAX;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.internal.execution.plan.Planner;
import org.backpack4j.samediff.internal.execution.run.Step;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2DDerivative;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Each kernel against the native ops that it stands for, walked one by one. */
class KernelsTest {
  private final SameDiff graph = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();

  private SDVariable feed(String name, DataType type, long... shape) {
    Random random = new Random(name.hashCode());
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long i = 0; i < array.length(); i++) {
      array.data().put(i, random.nextGaussian());
    }
    feeds.put(name, array.castTo(type));
    return graph.placeHolder(name, type, shape);
  }

  /** Computes {@code name} thrice with the kernel, and compares with the plain walk. */
  private void check(
      String name, Class<? extends Kernel> kernel, ExecutionOptions.@Nullable Fusion... fusions) {
    ExecutionOptions options = ExecutionOptions.defaults().withFusions(List.of(fusions));
    List<String> names = List.of(name);
    assertThat(kernels(name, fusions)).as("kernels for " + name).anyMatch(kernel::isInstance);
    assertThat(Planner.plan(graph, feeds, names, options.withKernels(false)).runs())
        .allMatch(step -> step.kernel() == null);
    Map<String, INDArray> expected = ReferenceInterpreter.run(graph, feeds, names);
    try (PlannedGraph planned = new PlannedGraph(graph, options)) {
      for (int round = 0; round < 3; round++) {
        assertSame(name, planned.output(feeds, names), expected);
      }
    }
  }

  private Stream<@Nullable Kernel> kernels(
      String name, ExecutionOptions.@Nullable Fusion... fusions) {
    ExecutionOptions options = ExecutionOptions.defaults().withFusions(List.of(fusions));
    return Planner.plan(graph, feeds, List.of(name), options).runs().map(Step.Run::kernel);
  }

  private static ExecutionOptions.Fusion fusion(
      String kernel, String output, List<String> in, long... args) {
    List<Long> arguments = new ArrayList<>();
    for (long argument : args) {
      arguments.add(argument);
    }
    return new ExecutionOptions.Fusion(kernel, in, output, arguments);
  }

  @ParameterizedTest
  @CsvSource({"0, FLOAT", "1, FLOAT", "1, DOUBLE", "-2, DOUBLE", "2, FLOAT"})
  void concat(int axis, DataType type) {
    int along = axis < 0 ? 3 + axis : axis;
    SDVariable[] parts = new SDVariable[3];
    for (int k = 0; k < parts.length; k++) {
      long[] shape = {3, 4, 70};
      shape[along] += k;
      parts[k] = feed("part" + k, type, shape);
    }
    graph.concat("joined", axis, parts[0], parts[1].mul(2), parts[2]);
    check("joined", Concat.class);
  }

  @ParameterizedTest
  @CsvSource({"2, FLOAT", "-1, DOUBLE"})
  void concatOfColumns(int axis, DataType type) {
    SDVariable[] parts = new SDVariable[20];
    for (int k = 0; k < parts.length; k++) {
      parts[k] = feed("part" + k, type, 30, 60, 1).mul(k + 1);
    }
    graph.concat("joined", axis, parts);
    check("joined", Interleave.class);
  }

  @Test
  void concatOfShortBlocksIsNative() {
    graph.concat("joined", 1, feed("a", DataType.FLOAT, 5, 2), feed("b", DataType.FLOAT, 5, 3));
    assertThat(kernels("joined")).noneMatch(Concat.class::isInstance);
  }

  @ParameterizedTest
  @CsvSource({
    // type, N, V, O, I, P, N of X, N of signs (0: none)
    "DOUBLE, 3, 4, 5, 6, 7, 3, 0",
    "FLOAT, 3, 4, 5, 6, 7, 3, 0",
    "DOUBLE, 3, 4, 5, 6, 7, 1, 0",
    "DOUBLE, 3, 4, 5, 6, 7, 3, 3",
    "DOUBLE, 3, 4, 5, 6, 7, 3, 1",
    "FLOAT, 5, 9, 40, 300, 4, 5, 5",
    "DOUBLE, 2, 3, 100, 700, 5, 2, 2",
    "FLOAT, 2, 1, 700, 900, 3, 2, 0",
    "DOUBLE, 1, 1, 1, 1, 1, 1, 0"
  })
  void outerSquaredSum(DataType type, int n, int v, int o, int i, int p, int sharedX, int signs) {
    SDVariable s = feed("s", type, n, v, o, p);
    SDVariable x = feed("x", type, sharedX, i, p);
    SDVariable left = graph.reshape(s, n, v * o, p);
    SDVariable all = sharedX == n ? x : graph.tile(x, n, 1, 1);
    SDVariable g = graph.reshape(graph.mmul(left, all, false, true, false), n, v, o, i);
    SDVariable squares = g.mul(g);
    List<String> in = List.of("s", "x");
    if (signs > 0) {
      SDVariable w = feed("w", type, signs, v);
      squares = squares.mul(graph.reshape(w, signs, v, 1, 1));
      in = List.of("s", "x", "w");
    }
    String sum = squares.sum(0, 1).rename("sum").name();
    String samples = squares.sum(1).rename("samples").name();
    check(sum, OuterSquaredSum.class, fusion("outer_squared_sum", sum, in));
    check(samples, OuterSquaredSum.class, fusion("outer_squared_sum", samples, in));
  }

  /** Both sums have their squares in common, and neither needs them any more. */
  @Test
  void twoFusionsOfTheSameProducts() {
    SDVariable s = feed("s", DataType.DOUBLE, 3, 4, 5, 7);
    SDVariable x = feed("x", DataType.DOUBLE, 3, 6, 7);
    SDVariable g =
        graph.reshape(graph.mmul(graph.reshape(s, 3, 20, 7), x, false, true, false), 3, 4, 5, 6);
    SDVariable squares = g.mul(g);
    squares.sum(0, 1).rename("sum");
    squares.sum(1).rename("samples");
    List<String> in = List.of("s", "x");
    ExecutionOptions options =
        ExecutionOptions.defaults()
            .withFusions(
                List.of(
                    fusion("outer_squared_sum", "sum", in),
                    fusion("outer_squared_sum", "samples", in)));
    List<String> both = List.of("sum", "samples");
    assertThat(Planner.plan(graph, feeds, both, options).runs())
        .hasSize(2)
        .allMatch(step -> step.kernel() instanceof OuterSquaredSum);
    // Whoever asks for the products themselves needs the ops.
    List<String> all = List.of("sum", "samples", g.name());
    assertThat(Planner.plan(graph, feeds, all, options).runs())
        .noneMatch(step -> step.kernel() instanceof OuterSquaredSum);
    for (List<String> names : List.of(both, all)) {
      try (PlannedGraph planned = new PlannedGraph(graph, options)) {
        assertSame(
            "" + names,
            planned.output(feeds, names),
            ReferenceInterpreter.run(graph, feeds, names));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    // H, W, kH, kW, sH, sW, pH, pW, dH, dW
    "DOUBLE, 7, 6, 3, 2, 1, 1, 0, 0, 1, 1",
    "FLOAT, 7, 6, 3, 2, 1, 1, 0, 0, 1, 1",
    "DOUBLE, 7, 6, 3, 3, 1, 1, 1, 1, 1, 1",
    "DOUBLE, 9, 8, 3, 3, 2, 3, 1, 2, 1, 1",
    "DOUBLE, 9, 10, 3, 2, 1, 2, 2, 1, 2, 3",
    "FLOAT, 3, 3, 3, 3, 1, 1, 2, 2, 2, 2",
    "DOUBLE, 5, 5, 1, 1, 2, 2, 0, 0, 1, 1"
  })
  void unfold(
      DataType type, int h, int w, int kh, int kw, int sh, int sw, int ph, int pw, int dh, int dw) {
    SDVariable x = feed("x", type, 3, 2, h, w);
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(kh)
            .kW(kw)
            .sH(sh)
            .sW(sw)
            .pH(ph)
            .pW(pw)
            .dH(dh)
            .dW(dw)
            .paddingMode(PaddingMode.VALID)
            .build();
    SDVariable patches = graph.cnn().im2Col(x, config);
    check(patches.name(), Im2col.class);
    long oh = (h + 2L * ph - (kh - 1L) * dh - 1) / sh + 1;
    long ow = (w + 2L * pw - (kw - 1L) * dw - 1) / sw + 1;
    String flat = graph.reshape(patches, 3, 2 * kh * kw, oh * ow).name();
    check(
        flat,
        Im2col.class,
        fusion("unfold", flat, List.of("x"), kh, kw, sh, sw, ph, pw, dh, dw, oh, ow, 0));
    SDVariable ordered = graph.permute(patches, 0, 2, 3, 1, 4, 5);
    String tapsFirst = graph.reshape(ordered, 3, 2 * kh * kw, oh * ow).name();
    check(
        tapsFirst,
        Im2col.class,
        fusion("unfold", tapsFirst, List.of("x"), kh, kw, sh, sw, ph, pw, dh, dw, oh, ow, 1));
  }

  @ParameterizedTest
  @CsvSource({
    // H, W, kH, kW, sH, sW, pH, pW, dH, dW, padding
    "7, 8, 3, 3, 2, 2, 0, 0, 1, 1, VALID",
    "7, 8, 3, 3, 2, 2, 1, 1, 1, 1, VALID",
    "7, 8, 3, 2, 2, 1, 0, 0, 1, 1, SAME",
    "28, 28, 3, 3, 2, 2, 0, 0, 1, 1, SAME",
    "9, 10, 3, 2, 1, 3, 1, 1, 2, 2, VALID",
    "6, 6, 2, 2, 2, 2, 0, 0, 1, 1, VALID",
    // windows that see nothing but padding
    "6, 6, 2, 2, 2, 2, 2, 2, 1, 1, VALID"
  })
  void maxPool(
      int h,
      int w,
      int kh,
      int kw,
      int sh,
      int sw,
      int ph,
      int pw,
      int dh,
      int dw,
      PaddingMode padding) {
    SDVariable x = feed("x", DataType.DOUBLE, 3, 2, h, w);
    Pooling2DConfig config =
        Pooling2DConfig.builder()
            .kH(kh)
            .kW(kw)
            .sH(sh)
            .sW(sw)
            .pH(ph)
            .pW(pw)
            .dH(dh)
            .dW(dw)
            .paddingMode(padding)
            .type(MAX)
            .build();
    check(graph.cnn().maxPooling2d(x, config).name(), MaxPool.class);
  }

  @ParameterizedTest
  @CsvSource({
    // type, V, H, W, k, s, p
    "DOUBLE, 3, 7, 8, 3, 2, 1",
    "FLOAT, 3, 7, 8, 3, 2, 1",
    "DOUBLE, 1, 6, 6, 2, 2, 0",
    "FLOAT, 1, 6, 7, 3, 3, 1",
    "DOUBLE, 4, 5, 5, 3, 1, 0"
  })
  void maxPoolingByPlaces(DataType type, int v, int h, int w, int k, int s, int p) {
    int oh = (h + 2 * p - k) / s + 1;
    int ow = (w + 2 * p - k) / s + 1;
    SDVariable x = feed("x", type, 2, 3, h, w);
    feeds.put("x", Transforms.round(feeds.get("x").mul(4))); // many are equal
    feeds.put("fed", firstMaxima(feeds.get("x"), oh, ow, k, s, p));
    String places = places(x, graph.placeHolder("fed", type, 2, 3, oh, ow));
    long[] arguments = {k, k, s, s, p, p, 1, 1};
    ExecutionOptions.Fusion search = fusion("max_pool_places", places, List.of("x"), arguments);
    check(places, MaxPoolIndices.class, search);

    SDVariable cotangent = feed("s", type, 2, v, 3, oh, ow);
    SDVariable[] columns = graph.unstack(cotangent, 1, v);
    Pooling2DConfig config =
        Pooling2DConfig.builder().kH(k).kW(k).sH(s).sW(s).pH(p).pW(p).type(MAX).build();
    for (int i = 0; i < v; i++) {
      Pooling2DDerivative op =
          Pooling2DDerivative.derivativeBuilder()
              .sameDiff(graph)
              .inputs(new SDVariable[] {x, columns[i]})
              .config(config)
              .build();
      columns[i] = graph.reshape(op.outputVariable(), 2, 1, 3, h, w);
    }
    String back = graph.concat(1, columns).rename("back").name();
    ExecutionOptions.Fusion way = fusion("max_pool_backward", back, List.of(places, "s"));
    check(back, MaxPoolBackward.class, search, way);

    String pooled = graph.cnn().maxPooling2d("pooled", x, config).name();
    ExecutionOptions.Fusion taken = fusion("max_pool", pooled, List.of("x", places));
    String both =
        graph.sum(graph.getVariable(back)).add(graph.sum(graph.getVariable(pooled))).name();
    check(both, MaxPoolGather.class, search, way, taken);
    assertThat(kernels(pooled, search, taken))
        .as("the maxima alone")
        .noneMatch(MaxPoolGather.class::isInstance);
  }

  /** Each would read what the other computes: only one may. */
  @Test
  void kernelsInACircle() {
    SDVariable x = feed("x", DataType.DOUBLE, 1, 1, 4, 4);
    Pooling2DConfig config = Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).type(MAX).build();
    SDVariable a = graph.cnn().maxPooling2d("a", x, config);
    SDVariable b = graph.cnn().maxPooling2d("b", x.add(1), config);
    String sum = a.add(b).name();
    ExecutionOptions.Fusion first = fusion("max_pool", "a", List.of("x", "b"));
    ExecutionOptions.Fusion second = fusion("max_pool", "b", List.of("x", "a"));
    Supplier<Long> taken =
        () -> kernels(sum, first, second).filter(MaxPoolGather.class::isInstance).count();
    assertThat(assertTimeoutPreemptively(Duration.ofSeconds(20), taken::get)).isEqualTo(1);
  }

  /** The place of each window's first maximum in its image, looked for one by one. */
  private static INDArray firstMaxima(INDArray x, int oh, int ow, int k, int s, int p) {
    INDArray places = Nd4j.create(x.dataType(), x.size(0), x.size(1), oh, ow);
    for (int window = 0; window < places.length(); window++) {
      int plane = window / (oh * ow);
      int top = window / ow % oh * s - p;
      int left = window % ow * s - p;
      int best = -1;
      for (int tap = 0; tap < k * k; tap++) {
        int row = top + tap / k;
        int column = left + tap % k;
        if (row >= 0 && row < x.size(2) && column >= 0 && column < x.size(3)) {
          int place = row * (int) x.size(3) + column;
          best = best < 0 || at(x, plane, place) > at(x, plane, best) ? place : best;
        }
      }
      places.putScalar(window, best);
    }
    return places;
  }

  /** What is fed, by way of ops that a kernel saves. */
  private String places(SDVariable x, SDVariable fed) {
    return fed.add("places", x.gt(x).castTo(fed.dataType()).sum()).name();
  }

  private static double at(INDArray x, int plane, int place) {
    return x.getDouble(plane * x.size(2) * x.size(3) + place);
  }

  /** Not a number wins, whatever its sign; zeros of both signs are equal. */
  @ParameterizedTest
  @EnumSource(names = {"DOUBLE", "FLOAT"})
  void maximaOfUnusualNumbers(DataType type) {
    SDVariable image = feed("x", type, 1, 1, 2, 4);
    INDArray x = feeds.get("x");
    double negativeNan = Double.longBitsToDouble(0xFFF8000000000000L);
    double[] numbers = {-0.0, 0.0, 5, 1, Double.NEGATIVE_INFINITY, -7, negativeNan, 9};
    for (int i = 0; i < numbers.length; i++) {
      x.data().put(i, numbers[i]);
    }
    feeds.put("fed", Nd4j.createFromArray(0.0, 6.0).castTo(type).reshape(1, 1, 1, 2));
    String places = places(image, graph.placeHolder("fed", type, 1, 1, 1, 2));
    check(
        places,
        MaxPoolIndices.class,
        fusion("max_pool_places", places, List.of("x"), 2, 2, 2, 2, 0, 0, 1, 1));
  }

  @ParameterizedTest
  @EnumSource(names = {"DOUBLE", "FLOAT"})
  void sums(DataType type) {
    SDVariable x = feed("x", type, 3, 5, 40, 6);
    SDVariable flat = feed("flat", type, 12, 5000);
    SDVariable large = feed("large", type, 2, 40, 3000);
    List<SDVariable> sums =
        List.of(
            x.sum(3),
            x.sum(2, 3),
            x.mean(1, 2, 3),
            x.sum(0),
            x.mean(0, 1),
            x.sum(true, 0, 1, 2),
            x.sum(),
            x.mean(true, 2, 3),
            flat.sum(1),
            flat.sum(0),
            flat.mean(),
            large.sum(1),
            large.mean(true, 1));
    for (SDVariable sum : sums) {
      check(sum.name(), ReduceByGemm.class);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"DOUBLE", "FLOAT"})
  void productsOfBatches(DataType type) {
    SDVariable a = feed("a", type, 2, 2, 90, 100);
    SDVariable b = feed("b", type, 2, 2, 100, 70);
    SDVariable at = feed("at", type, 2, 2, 100, 90);
    SDVariable bt = feed("bt", type, 2, 2, 70, 100);
    check(graph.mmul(a, b).name(), BatchedGemm.class);
    check(graph.mmul(at, b, true, false, false).name(), BatchedGemm.class);
    check(graph.mmul(a, bt, false, true, false).name(), BatchedGemm.class);
    check(graph.mmul(at, bt, true, true, false).name(), BatchedGemm.class);
  }

  @ParameterizedTest
  @EnumSource(names = {"DOUBLE", "FLOAT"})
  void masks(DataType type) {
    SDVariable s = feed("s", type, 2, 3, 200, 200);
    SDVariable mask = feed("m", type, 2, 1, 200, 200);
    SDVariable one = feed("one", type, 1, 1, 200, 200);
    SDVariable h = s.add(1.0);
    for (SDVariable small : List.of(mask, one)) {
      check(h.mul(small).name(), SlicedBroadcast.class);
      check(small.sub(h).name(), SlicedBroadcast.class);
      check(h.div(small).name(), SlicedBroadcast.class);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"DOUBLE", "FLOAT"})
  void squares(DataType type) {
    SDVariable x = feed("x", type, 5, 7);
    check(graph.math().square(x.add(1.0)).name(), Square.class);
  }
}
