package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.testing.Checked;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Where positions or samples nearly cancel, single precision is as good as rows of gradients are,
 * whatever the way: planned, natively, a sample at a time.
 */
class CancellationTest {
  private static final int N = 6;

  /** What the cheap ways may be off by, relative to each number. */
  private static final double BOUND = 1e-3;

  @Property(tries = 6, seed = "17")
  void normsOfSumsThatCancel(
      @ForAll @IntRange(min = 1, max = 4) int pairs,
      @ForAll @IntRange(min = 24, max = 64) int inputs,
      @ForAll @IntRange(min = 32, max = 64) int outputs,
      @ForAll @IntRange(min = 7, max = 14) int bits) {
    for (DataType type : List.of(DataType.FLOAT, DataType.DOUBLE)) {
      double eps = type == DataType.FLOAT ? Math.scalb(1, -bits) : Math.scalb(1, -2 * bits);
      Cancelling c = new Cancelling(2 * pairs, inputs, outputs, eps);
      try (ExtendedGraph graph =
              BackPack.extend(c.graph(type), new BatchGrad(), new BatchL2Grad());
          ExtendedGraph exact = BackPack.extend(c.graph(DataType.DOUBLE), new BatchGrad())) {
        INDArray rows = exact.output(c.feeds(DataType.DOUBLE), "w.grad_batch").get("w.grad_batch");
        INDArray flat = rows.reshape(N, rows.length() / N);
        everyWay(graph, c.feeds(type), "w.batch_l2", flat.mul(flat).sum(1), BOUND);
      }
    }
  }

  @Property(tries = 3, seed = "18")
  void diagonalsOfSumsThatCancel(
      @ForAll @IntRange(min = 1, max = 2) int pairs,
      @ForAll @IntRange(min = 64, max = 90) int inputs,
      @ForAll @IntRange(min = 60, max = 80) int classes) {
    Cancelling c = new Cancelling(2 * pairs, inputs, classes, 0x1p-12);
    INDArray exact;
    try (ExtendedGraph graph = BackPack.extend(c.graph(DataType.DOUBLE), new DiagGGNExact())) {
      exact = graph.output(c.feeds(DataType.DOUBLE), "w.diag_ggn_exact").get("w.diag_ggn_exact");
    }
    try (ExtendedGraph graph = BackPack.extend(c.graph(DataType.FLOAT), new DiagGGNExact())) {
      everyWay(graph, c.feeds(DataType.FLOAT), "w.diag_ggn_exact", exact, 2e-2);
    }
  }

  /** Σₚ wᵀ xₚ, positions in pairs (v, −(1 − ε) v): what a bias adds is all that a class sees. */
  private record Cancelling(int positions, int inputs, int outputs, double eps) {
    SameDiff graph(DataType type) {
      Random random = new Random(5);
      INDArray w = random(random, inputs, outputs).muli(0.1).castTo(DataType.FLOAT);
      INDArray b = random(random, 1, outputs).castTo(DataType.FLOAT);
      SameDiff sd = SameDiff.create();
      SDVariable x = sd.placeHolder("x", type, -1, positions, inputs);
      SDVariable z =
          x.reshape(-1, inputs).mmul(sd.var("w", w.castTo(type))).reshape(-1, positions, outputs);
      SDVariable y = sd.placeHolder("y", type, -1, outputs);
      sd.loss().softmaxCrossEntropy("loss", y, sd.sum(z, 1).add(sd.constant(b.castTo(type))), null);
      return sd;
    }

    Map<String, INDArray> feeds(DataType type) {
      INDArray half = random(new Random(6), N, positions / 2, inputs).castTo(DataType.FLOAT);
      INDArray exact = half.castTo(DataType.DOUBLE);
      INDArray x = Nd4j.concat(1, exact, exact.mul(eps - 1));
      INDArray y = Nd4j.zeros(type, N, outputs);
      y.putColumn(0, Nd4j.ones(type, N));
      // the same numbers for both types
      INDArray rounded = eps < 0x1p-20 ? x : x.castTo(DataType.FLOAT);
      Map<String, INDArray> feeds = new LinkedHashMap<>();
      feeds.put("x", rounded.castTo(type));
      feeds.put("y", y);
      return feeds;
    }
  }

  private static final Extension[] VARIANCE = {new BatchGrad(), new Variance()};

  @Property(tries = 4, seed = "19")
  void varianceOfGradientsThatNearlyAgree(
      @ForAll @IntRange(min = 1, max = 5) int positions,
      @ForAll boolean square,
      @ForAll @IntRange(min = 6, max = 11) int bits) {
    Agreeing agreeing = new Agreeing(positions, square, Math.scalb(1, -bits));
    for (int n : new int[] {1, 2, 33}) {
      Map<String, INDArray> feeds = agreeing.feeds(n);
      try (ExtendedGraph graph = BackPack.extend(agreeing.graph(DataType.FLOAT), VARIANCE)) {
        for (String parameter : List.of("w", "b", "table")) {
          // of the rows, which are rounded themselves
          INDArray rows =
              graph
                  .output(feeds, parameter + ".grad_batch")
                  .get(parameter + ".grad_batch")
                  .castTo(DataType.DOUBLE);
          INDArray off = rows.sub(rows.mean(true, 0).broadcast(rows.shape()));
          INDArray exact = off.mul(off).mean(0);
          everyWay(graph, feeds, parameter + ".variance", exact, 1e-2);
        }
      }
      if (n == 1) {
        assertThat(
                BackPack.extend(agreeing.graph(DataType.DOUBLE), VARIANCE)
                    .output(doubles(feeds), "w.variance", "b.variance", "table.variance")
                    .values())
            .allMatch(v -> v.amaxNumber().doubleValue() == 0);
      }
    }
  }

  /** Blocks of a wide layer's rows: where some rows nearly agree, where none do, and both. */
  @Example
  void varianceOfAWideLayer() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 900);
    SDVariable z = x.mmul(sd.var("w", Nd4j.ones(DataType.FLOAT, 900, 500)));
    z.mul(sd.constant(random(new Random(2), 1, 500).addi(2).castTo(DataType.FLOAT))).sum("loss");
    sd.setLossVariables("loss");
    INDArray features = random(new Random(7), 9, 900).muli(1e-3); // as large a variance
    INDArray alike = random(new Random(8), 9, 40).muli(1e-3).addi(1);
    features.put(new INDArrayIndex[] {NDArrayIndex.all(), NDArrayIndex.interval(0, 40)}, alike);
    Map<String, INDArray> feeds = Map.of("x", features.castTo(DataType.FLOAT));
    try (ExtendedGraph graph = BackPack.extend(sd, VARIANCE)) {
      INDArray rows =
          graph.output(feeds, "w.grad_batch").get("w.grad_batch").castTo(DataType.DOUBLE);
      INDArray off = rows.sub(rows.mean(true, 0).broadcast(rows.shape()));
      everyWay(graph, feeds, "w.variance", off.mul(off).mean(0), BOUND);
    }
  }

  /** Gradients of about a thousand; those of a weight, a bias and a table that is looked up. */
  private record Agreeing(int positions, boolean square, double spread) {
    SameDiff graph(DataType type) {
      SameDiff sd = SameDiff.create();
      SDVariable x = sd.placeHolder("x", type, -1, positions, 3);
      SDVariable h = x.reshape(-1, 3).mmul(sd.var("w", Nd4j.ones(type, 3, 4)));
      h = h.add(sd.var("b", Nd4j.ones(type, 1, 4))).reshape(-1, positions, 4);
      SDVariable rows = sd.gather(sd.var("table", Nd4j.ones(type, 5, 4)), sd.constant(2), 0);
      SDVariable all = sd.sum(h, 1).mul(rows.reshape(1, 4)).mul(1000.7);
      if (square) {
        all = all.mul(1e-3).mul(all.mul(1e-3)).mul(100);
      }
      all.sum("loss");
      sd.setLossVariables("loss");
      return sd;
    }

    Map<String, INDArray> feeds(int n) {
      INDArray x = random(new Random(n), n, positions, 3).muli(spread).addi(1);
      return Map.of("x", x.castTo(DataType.FLOAT));
    }
  }

  private static Map<String, INDArray> doubles(Map<String, INDArray> feeds) {
    Map<String, INDArray> all = new LinkedHashMap<>();
    feeds.forEach((name, array) -> all.put(name, array.castTo(DataType.DOUBLE)));
    return all;
  }

  private static INDArray random(Random random, long... shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long i = 0; i < array.length(); i++) {
      array.putScalar(i, random.nextDouble() - 0.5);
    }
    return array;
  }

  private static void everyWay(
      ExtendedGraph graph,
      Map<String, INDArray> feeds,
      String name,
      INDArray exact,
      double tolerance) {
    Map<String, INDArray> ways = new LinkedHashMap<>();
    ways.put("planned", graph.output(feeds, name).get(name));
    ways.put("natively", graph.sameDiff().output(feeds, name).get(name));
    for (ExecutionOptions.Budget budget :
        List.of(Checked.SINGLE, new ExecutionOptions.Budget(1, 4))) {
      try (PlannedGraph groups = graph.planned(graph.options().withBudget(budget))) {
        ways.put("groups of " + budget, groups.output(feeds, List.of(name)).get(name));
      }
    }
    ways.forEach(
        (way, result) -> {
          double[] wanted = exact.reshape(exact.length()).toDoubleVector();
          double[] found = result.castTo(DataType.DOUBLE).reshape(result.length()).toDoubleVector();
          double largest = exact.amaxNumber().doubleValue();
          for (int k = 0; k < wanted.length; k++) {
            double size = Math.max(Math.abs(wanted[k]), 1e-3 * largest);
            assertThat(Math.abs(found[k] - wanted[k]))
                .as("%s, %s [%d], %s instead of %s", name, way, k, found[k], wanted[k])
                .isLessThanOrEqualTo(tolerance * size);
          }
        });
  }
}
