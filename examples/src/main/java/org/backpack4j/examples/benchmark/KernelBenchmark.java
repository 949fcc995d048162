package org.backpack4j.examples.benchmark;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.jspecify.annotations.Nullable;
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
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Each kernel of the planned execution against the native ops that it stands for, on the shapes of
 * a small convolutional network.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class KernelBenchmark {

  /** What is computed. */
  public enum Work {
    /** Squares of outer products, summed over samples and columns. */
    OUTER_SQUARED_SUM {
      @Override
      SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions) {
        SDVariable s = g.placeHolder("s", DataType.FLOAT, 32, 9, 96, 144);
        SDVariable x = g.placeHolder("x", DataType.FLOAT, 32, 576, 144);
        return squaredSum(g, s, x, fusions);
      }
    },
    /** What the windows of a convolution see. */
    UNFOLD {
      @Override
      SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions) {
        Conv2DConfig config =
            Conv2DConfig.builder().kH(3).kW(3).sH(1).sW(1).paddingMode(PaddingMode.VALID).build();
        return g.cnn().im2Col(g.placeHolder("x", DataType.FLOAT, 32, 64, 14, 14), config);
      }
    },
    /** The way back through maximum pooling, for nine columns. */
    MAX_POOL_BACKWARD {
      @Override
      SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions) {
        SDVariable x = g.placeHolder("x", DataType.FLOAT, 32, 64, 28, 28);
        SDVariable s = g.placeHolder("s", DataType.FLOAT, 32, 9, 64, 14, 14);
        SDVariable tiled = g.tile(g.reshape(x, 32, 1, 64, 28, 28), 1, 9, 1, 1, 1);
        SDVariable back =
            Pooling2DDerivative.derivativeBuilder()
                .sameDiff(g)
                .inputs(
                    new SDVariable[] {
                      g.reshape(tiled, 288, 64, 28, 28), g.reshape(s, 288, 64, 14, 14)
                    })
                .config(pooling())
                .build()
                .outputVariable();
        SDVariable apart = g.reshape(back, 32, 9, 64, 28, 28);
        // Only the kernels read the maxima's places: by native ops this variable is not needed.
        SDVariable places = g.cnn().maxPooling2d(x, pooling());
        fusions.add(
            new ExecutionOptions.Fusion(
                "max_pool_places",
                List.of("x"),
                places.name(),
                List.of(3L, 3L, 2L, 2L, 1L, 1L, 1L, 1L)));
        fusions.add(
            new ExecutionOptions.Fusion(
                "max_pool_backward", List.of(places.name(), "s"), apart.name(), List.of()));
        return apart;
      }
    },
    /** The sum over the samples. */
    SUM_OVER_SAMPLES {
      @Override
      SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions) {
        return g.placeHolder("x", DataType.FLOAT, 32, 50176).sum(0);
      }
    },
    /** The mean of each channel. */
    SUM_OVER_POSITIONS {
      @Override
      SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions) {
        return g.placeHolder("x", DataType.FLOAT, 32, 64, 784).sum(2);
      }
    },
    /** A product of matrices for each sample. */
    SLICED_PRODUCT {
      @Override
      SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions) {
        return g.mmul(
            g.placeHolder("a", DataType.FLOAT, 32, 864, 144),
            g.placeHolder("b", DataType.FLOAT, 32, 144, 576));
      }
    },
    /** A mask on nine columns. */
    MASK {
      @Override
      SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions) {
        return g.placeHolder("s", DataType.FLOAT, 32, 9, 50176)
            .mul(g.placeHolder("m", DataType.FLOAT, 32, 1, 50176));
      }
    },
    /** Squares. */
    SQUARE {
      @Override
      SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions) {
        return g.math().square(g.placeHolder("x", DataType.FLOAT, 4_000_000));
      }
    };

    abstract SDVariable define(SameDiff g, List<ExecutionOptions.Fusion> fusions);

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
  }

  /** What is computed. */
  @Param public Work work = Work.SQUARE;

  /** By the kernel, or by native ops. */
  @Param({"true", "false"})
  public boolean kernel;

  private final Map<String, INDArray> feeds = new HashMap<>();
  private @Nullable PlannedGraph planned;
  private Map<String, INDArray> results = Map.of();

  /** Σ over samples and columns of (S Xᵀ)², S [N, V, O, P] and X [N, I, P], with its fusion. */
  static SDVariable squaredSum(
      SameDiff g, SDVariable s, SDVariable x, List<ExecutionOptions.Fusion> fusions) {
    long[] d = s.getShape();
    long inputs = x.getShape()[1];
    SDVariable rows = g.reshape(s, d[0], d[1] * d[2], d[3]);
    SDVariable product = g.reshape(g.mmul(rows, x, false, true, false), d[0] * d[1], d[2] * inputs);
    SDVariable ones = g.constant(Nd4j.ones(DataType.FLOAT, 1, d[0] * d[1]));
    SDVariable sum = g.reshape(g.mmul(ones, product.mul(product)), d[2], inputs);
    fusions.add(
        new ExecutionOptions.Fusion(
            "outer_squared_sum", List.of(s.name(), x.name()), sum.name(), List.of()));
    return sum;
  }

  /** Makes the graph. */
  @Setup(Level.Trial)
  public void prepare() {
    SameDiff graph = SameDiff.create();
    List<ExecutionOptions.Fusion> fusions = new ArrayList<>();
    String name = work.define(graph, fusions).name();
    for (String input : graph.inputs()) {
      feeds.put(input, Nd4j.rand(DataType.FLOAT, graph.getVariable(input).getShape()));
    }
    planned =
        new PlannedGraph(
            graph, ExecutionOptions.defaults().withFusions(fusions).withKernels(kernel));
    results = planned.output(feeds, List.of(name));
  }

  /** Frees its memory. */
  @TearDown(Level.Trial)
  public void close() {
    Objects.requireNonNull(planned).close();
  }

  /** Once. */
  @Benchmark
  public Map<String, INDArray> run() {
    return Objects.requireNonNull(planned).output(feeds, results);
  }
}
