package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A network whose units are saturated one more than the other: the largest gradient is some 1e-10,
 * and of the smallest no digit is left, in the result as in the differences.
 */
class SaturatedTest {
  private final SameDiff graph = SameDiff.create();
  private final Map<String, INDArray> feeds = new HashMap<>();

  private Map<String, INDArray> results(DataType type, double first) {
    SDVariable x = graph.placeHolder("x", type, -1, 5);
    SDVariable y = graph.placeHolder("y", type, -1, 5);
    INDArray weights = Nd4j.createFromArray(new double[] {first, 15, 17, 17.8, 30});
    SDVariable w = graph.var("w", weights.reshape(1, 5).castTo(type));
    graph.loss().meanSquaredError("loss", y, graph.math().tanh(x.mul(w)), null);
    feeds.put(
        "x",
        Nd4j.createFromArray(
                new double[][] {{1, 1.01, 1.02, 1, 1}, {1.1, 1, 1, 1.03, 1}, {1, 1, -1.04, 1, -1}})
            .castTo(type));
    feeds.put(
        "y",
        Nd4j.createFromArray(
                new double[][] {{0, 0.5, 2, -1, 0}, {1, 0.2, 0, 0, 0}, {-1, 1, 2, 3, 1}})
            .castTo(type));
    try (ExtendedGraph extended =
        BackPack.extend(
            graph,
            new BatchGrad(),
            new BatchL2Grad(),
            new SumGradSquared(),
            new Variance(),
            new DiagGGNExact(),
            new BatchDiagGGNExact())) {
      return new HashMap<>(extended.output(feeds, extended.outputNames()));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT", "DOUBLE"})
  void roundingIsNoFailure(DataType type) {
    Verification verification =
        BruteForce.on(graph, feeds(type, 11.5)).verifier().entries(5).verify(results);
    assertThat(verification.outputs())
        .as(verification.toString())
        .noneMatch(check -> check.verdict() == Outcome.FAILED);
  }

  private Map<String, INDArray> results = Map.of();

  private Map<String, INDArray> feeds(DataType type, double first) {
    results = results(type, first);
    return feeds;
  }

  /** What is small, and not as small as rounding, still has to be right. */
  @Test
  void aWrongNumberIsOneHoweverSmall() {
    BruteForce brute = BruteForce.on(graph, feeds(DataType.DOUBLE, 8.5));
    double largest = results.get("w.grad").amaxNumber().doubleValue();
    assertThat(largest).isBetween(1e-8, 1e-6);
    assertThat(brute.verify(results).toString()).contains("w.grad_batch: ok");
    results.get("w.grad_batch").muli(1.01);
    assertThat(brute.verify(results).toString()).contains("w.grad_batch: FAILED");
  }
}
