package org.backpack4j.samediff.execution;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D.Pooling2DType;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2DDerivative;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Times each kernel against the native ops that it stands for, on the shapes of a small
 * convolutional net, alternately; the least time of each counts. Meant for {@code
 * OMP_NUM_THREADS=1}, where the time is that which the thread really had the processor, so that a
 * busy machine disturbs little; with {@code wall} as an argument it is the time on the clock.
 */
public final class KernelTimings {
  private static final int ROUNDS = 15;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final boolean wall;

  private KernelTimings(boolean wall) {
    this.wall = wall;
  }

  /**
   * Prints a line for each kernel.
   *
   * @param arguments {@code wall}, or nothing
   */
  public static void main(String[] arguments) {
    KernelTimings timings = new KernelTimings(List.of(arguments).contains("wall"));
    timings.outerSquaredSum(32, 9, 96, 576, 144);
    timings.outerSquaredSum(32, 9, 128, 864, 36);
    timings.outerSquaredSum(32, 9, 128, 864, 16);
    timings.outerSquaredSum(32, 9, 64, 75, 784);
    timings.outerSquaredSum(4, 9, 512, 4608, 1);
    timings.outerSquaredSum(8, 9, 512, 4608, 4);
    timings.unfold(32, 3, 32, 5, 1, 0);
    timings.unfold(32, 64, 14, 3, 1, 0);
    timings.unfold(32, 96, 6, 3, 1, 1);
    timings.unfold(8, 64, 32, 3, 2, 1);
    timings.maxPoolForward(32, 64, 28);
    timings.maxPoolForward(32, 96, 12);
    timings.maxPool(32, 9, 64, 28);
    timings.maxPool(32, 9, 96, 12);
    timings.sum("mean of images", g -> g.placeHolder("x", DataType.FLOAT, 32, 64, 784), 2);
    timings.sum("sum over samples", g -> g.placeHolder("x", DataType.FLOAT, 32, 50176), 0);
    timings.sum("sum over columns", g -> g.placeHolder("x", DataType.FLOAT, 32, 9, 50176), 1);
    timings.sum("sum over rows", g -> g.placeHolder("x", DataType.FLOAT, 2000, 1152), 1);
    timings.product(32, 864, 144, 576);
    timings.product(32, 1152, 36, 864);
    timings.product(256, 96, 36, 96);
    timings.mask(32, 9, 50176);
    timings.mask(32, 9, 9216);
    timings.square(32 * 9 * 96 * 144);
  }

  private void outerSquaredSum(int n, int v, int o, int i, int p) {
    compare(
        "outer_squared_sum N " + n + " V " + v + " O " + o + " I " + i + " P " + p,
        (g, fusions) -> {
          SDVariable s = g.placeHolder("s", DataType.FLOAT, n, v, o, p);
          SDVariable x = g.placeHolder("x", DataType.FLOAT, n, i, p);
          SDVariable product =
              g.reshape(g.mmul(g.reshape(s, n, v * o, p), x, false, true, false), n * v, o * i);
          SDVariable squares = product.mul(product);
          SDVariable ones = g.constant(Nd4j.ones(DataType.FLOAT, 1, n * v));
          SDVariable sum = g.reshape(g.mmul(ones, squares), o, i);
          fusions.add(
              new Hints.Fusion("outer_squared_sum", List.of("s", "x"), sum.name(), List.of()));
          return sum;
        });
  }

  private void unfold(int n, int c, int h, int k, int s, int p) {
    compare(
        "unfold N " + n + " C " + c + " H " + h + " kernel " + k + " stride " + s + " pad " + p,
        (g, fusions) ->
            g.cnn()
                .im2Col(
                    g.placeHolder("x", DataType.FLOAT, n, c, h, h),
                    Conv2DConfig.builder()
                        .kH(k)
                        .kW(k)
                        .sH(s)
                        .sW(s)
                        .pH(p)
                        .pW(p)
                        .paddingMode(PaddingMode.VALID)
                        .build()));
  }

  private static Pooling2DConfig pooling() {
    return Pooling2DConfig.builder()
        .kH(3)
        .kW(3)
        .sH(2)
        .sW(2)
        .pH(1)
        .pW(1)
        .type(Pooling2DType.MAX)
        .build();
  }

  private void maxPoolForward(int n, int c, int h) {
    compare(
        "maxpool2d N " + n + " C " + c + " H " + h,
        (g, fusions) ->
            g.cnn().maxPooling2d(g.placeHolder("x", DataType.FLOAT, n, c, h, h), pooling()));
  }

  private void maxPool(int n, int v, int c, int h) {
    long out = (h - 1) / 2 + 1;
    compare(
        "max_pool_backward N " + n + " V " + v + " C " + c + " H " + h,
        (g, fusions) -> {
          SDVariable x = g.placeHolder("x", DataType.FLOAT, n, c, h, h);
          SDVariable s = g.placeHolder("s", DataType.FLOAT, n, v, c, out, out);
          SDVariable tiled =
              g.reshape(g.tile(g.reshape(x, n, 1, c, h, h), 1, v, 1, 1, 1), n * v, c, h, h);
          SDVariable folded = g.reshape(s, (long) n * v, c, out, out);
          SDVariable back =
              Pooling2DDerivative.derivativeBuilder()
                  .sameDiff(g)
                  .inputs(new SDVariable[] {tiled, folded})
                  .config(pooling())
                  .build()
                  .outputVariable();
          SDVariable apart = g.reshape(back, n, v, c, h, h);
          fusions.add(
              new Hints.Fusion(
                  "max_pool_backward",
                  List.of("x", "s"),
                  apart.name(),
                  List.of(3L, 3L, 2L, 2L, 1L, 1L, 1L, 1L)));
          return apart;
        });
  }

  private void sum(String what, Function<SameDiff, SDVariable> input, int axis) {
    compare(what, (g, fusions) -> input.apply(g).sum(axis));
  }

  private void product(int n, int a, int k, int b) {
    compare(
        "matmul [" + n + ", " + a + ", " + k + "] [" + n + ", " + k + ", " + b + "]",
        (g, fusions) ->
            g.mmul(
                g.placeHolder("a", DataType.FLOAT, n, a, k),
                g.placeHolder("b", DataType.FLOAT, n, k, b)));
  }

  private void mask(int n, int v, int f) {
    compare(
        "mask [" + n + ", " + v + ", " + f + "]",
        (g, fusions) ->
            g.placeHolder("s", DataType.FLOAT, n, v, f)
                .mul(g.placeHolder("m", DataType.FLOAT, n, 1, f)));
  }

  private void square(long n) {
    compare("square", (g, fusions) -> g.math().square(g.placeHolder("x", DataType.FLOAT, n)));
  }

  private void compare(String what, BiFunction<SameDiff, List<Hints.Fusion>, SDVariable> define) {
    SameDiff graph = SameDiff.create();
    List<Hints.Fusion> fusions = new ArrayList<>();
    String name = define.apply(graph, fusions).name();
    Map<String, INDArray> feeds = new HashMap<>();
    for (String input : graph.inputs()) {
      feeds.put(input, Nd4j.rand(DataType.FLOAT, graph.getVariable(input).getShape()));
    }
    Hints hints = Hints.none().withFusions(fusions);
    try (PlannedGraph with = new PlannedGraph(graph, hints);
        PlannedGraph without = new PlannedGraph(graph, hints.withKernels(false))) {
      double kernel = Double.MAX_VALUE;
      double ops = Double.MAX_VALUE;
      for (int round = 0; round < ROUNDS; round++) {
        kernel = Math.min(kernel, milliseconds(with, feeds, name));
        ops = Math.min(ops, milliseconds(without, feeds, name));
      }
      System.out.printf(
          "%-60s native %9.3f ms, kernel %9.3f ms, ratio %5.2f%n", what, ops, kernel, ops / kernel);
    }
  }

  private double milliseconds(PlannedGraph graph, Map<String, INDArray> feeds, String name) {
    long start = now();
    Map<String, INDArray> results = graph.output(feeds, List.of(name));
    double milliseconds = (now() - start) / 1e6;
    results.values().forEach(INDArray::close);
    return milliseconds;
  }

  private long now() {
    return wall ? System.nanoTime() : THREADS.getCurrentThreadCpuTime();
  }
}
