package org.backpack4j.examples.benchmark;

import java.util.ArrayList;
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
 * Where the two ways to Σₙᵥ (S Xᵀ)² cross, S [N, V, O, P] and X [N, I, P]: by the products
 * themselves, N·V·O·P·I multiplications, or over pairs of positions, N·O·P²·(V + I). The library
 * takes pairs where 5 P (V + I) is less than V·I.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SquaredSumBenchmark {
  private static final int N = 16;
  private static final int O = 64;
  private static final int I = 288;

  /** How. */
  public enum Way {
    /** By the products. */
    DIRECT,
    /** Over pairs. */
    PAIRS
  }

  /** How. */
  @Param public Way way = Way.DIRECT;

  /** V. */
  @Param({"9", "99"})
  public int columns;

  /** P. */
  @Param({"2", "4", "9", "16", "36"})
  public int positions;

  private @Nullable PlannedGraph planned;
  private Map<String, INDArray> feeds = Map.of();
  private Map<String, INDArray> results = Map.of();

  /** Makes the graph. */
  @Setup(Level.Trial)
  public void prepare() {
    SameDiff graph = SameDiff.create();
    SDVariable s = graph.placeHolder("s", DataType.FLOAT, N, columns, O, positions);
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, N, I, positions);
    List<ExecutionOptions.Fusion> fusions = new ArrayList<>();
    SDVariable sum =
        way == Way.DIRECT ? KernelBenchmark.squaredSum(graph, s, x, fusions) : pairs(graph, s, x);
    feeds =
        Map.of(
            "s", Nd4j.rand(DataType.FLOAT, N, columns, O, positions),
            "x", Nd4j.rand(DataType.FLOAT, N, I, positions));
    planned = new PlannedGraph(graph, ExecutionOptions.defaults().withFusions(fusions));
    results = planned.output(feeds, List.of(sum.name()));
  }

  /** Σₙ Σₚq (Σᵥ Sₚ S_q) (Xₚ X_q). */
  private SDVariable pairs(SameDiff g, SDVariable s, SDVariable x) {
    int p = positions;
    SDVariable byOutput = g.reshape(g.permute(s, 0, 2, 1, 3), N * O, columns, p);
    SDVariable ss = g.mmul(byOutput, byOutput, true, false, false);
    SDVariable xx = g.reshape(x, N, I, p, 1).mul(g.reshape(x, N, I, 1, p));
    SDVariable left = g.permute(g.reshape(ss, N, O, (long) p * p), 1, 0, 2);
    SDVariable right = g.permute(g.reshape(xx, N, I, (long) p * p), 1, 0, 2);
    return g.mmul(
        g.reshape(left, O, (long) N * p * p),
        g.reshape(right, I, (long) N * p * p),
        false,
        true,
        false);
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
