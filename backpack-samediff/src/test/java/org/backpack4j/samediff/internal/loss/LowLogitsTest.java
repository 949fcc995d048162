package org.backpack4j.samediff.internal.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Logits that are all low, or all high, for a sample: a softmax does not depend on what they have
 * in common, so that all quantities are those of logits around zero. M2.1's own softmax answers
 * NaN.
 */
class LowLogitsTest {
  private interface Loss {
    SDVariable of(SameDiff sd, SDVariable logits, SDVariable labels);
  }

  private static Map<String, Loss> losses() {
    Map<String, Loss> losses = new LinkedHashMap<>();
    losses.put(
        "softmax cross-entropy", (sd, z, y) -> sd.loss().softmaxCrossEntropy("l", y, z, null));
    losses.put(
        "sparse softmax cross-entropy",
        (sd, z, y) ->
            sd.loss().sparseSoftmaxCrossEntropy("l", z, sd.argmax(y, 1).castTo(DataType.INT32)));
    losses.put(
        "log of a softmax", (sd, z, y) -> sd.math().log(sd.nn().softmax(z, 1)).mul(y).sum("l"));
    losses.put(
        "squares of a softmax",
        (sd, z, y) -> {
          SDVariable d = sd.nn().softmax(z).sub(y);
          return d.mul(d).sum("l");
        });
    losses.put(
        "a softmax along the last axis but one",
        (sd, z, y) -> sd.nn().softmax(z.reshape(-1, 3, 1), 1).mul(y.reshape(-1, 3, 1)).sum("l"));
    losses.put(
        "samples behind the classes",
        (sd, z, y) ->
            sd.nn()
                .softmax(sd.permute(sd.expandDims(z, 0), 0, 2, 1), 1)
                .mul(sd.permute(sd.expandDims(y, 0), 0, 2, 1))
                .sum("l"));
    losses.put(
        "attention of one query",
        (sd, z, y) -> {
          SDVariable keys = z.reshape(-1, 1, 3);
          SDVariable queries = sd.onesLike(sd.sum(keys, true, 2));
          SDVariable values = y.reshape(-1, 1, 3);
          return sd.nn().dotProductAttention(queries, keys, values, null, false).sum("l");
        });
    return losses;
  }

  private static SameDiff graph(Loss loss, DataType type) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", type, -1, 2);
    SDVariable y = sd.placeHolder("y", type, -1, 3);
    SDVariable level = sd.placeHolder("level", type, -1, 1);
    double[][] weights = {{0.25, 0.5, -0.5}, {-0.75, 1, 0.25}};
    SDVariable w = sd.var("w", Nd4j.createFromArray(weights).castTo(type));
    loss.of(sd, x.mmul(w).add("z", level), y);
    sd.setLossVariables("l");
    return sd;
  }

  private static Map<String, INDArray> feeds(DataType type, int n, double level) {
    double[][] x = {{1, 2}, {0.5, -1}};
    double[][] y = {{1, 0, 0}, {0, 1, 0}};
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    feeds.put("x", Nd4j.createFromArray(java.util.Arrays.copyOf(x, n)).castTo(type));
    feeds.put("y", Nd4j.createFromArray(java.util.Arrays.copyOf(y, n)).castTo(type));
    feeds.put("level", Nd4j.valueArrayOf(new long[] {n, 1}, level, type));
    return feeds;
  }

  private static void check(Loss loss, DataType type, double tolerance, double... levels) {
    try (ExtendedGraph graph =
        BackPack.on(graph(loss, type))
            .predictions("z")
            .lenient()
            .extend(new BatchGrad(), new DiagGGNExact(), new DiagGGNMC(5))) {
      List<String> names = new ArrayList<>(graph.outputNames());
      assertThat(names).contains("w.grad_batch", "w.diag_ggn_exact");
      names.add("l");
      for (int n : new int[] {2, 1}) {
        Map<String, INDArray> expected = graph.output(feeds(type, n, 0), names);
        for (double level : levels) {
          Map<String, INDArray> feeds = feeds(type, n, level);
          Map<String, INDArray> planned = graph.output(feeds, names);
          for (String name : names) {
            if (name.contains("mc")) { // other draws
              assertThat(planned.get(name).isNaN().any()).as(name).isFalse();
            } else {
              String what = name + ", N = " + n + ", logits around " + level;
              close(what + ", planned", planned.get(name), expected.get(name), tolerance);
            }
          }
          List<String> exact = names.stream().filter(name -> !name.contains("mc")).toList();
          Map<String, INDArray> session = graph.sameDiff().output(feeds, exact);
          for (String name : exact) {
            String what = name + ", N = " + n + ", logits around " + level;
            close(what + ", session", session.get(name), expected.get(name), tolerance);
          }
        }
      }
    }
  }

  private static void close(String what, INDArray actual, INDArray expected, double tolerance) {
    INDArray off = actual.castTo(DataType.DOUBLE).sub(expected.castTo(DataType.DOUBLE));
    assertThat(off.isNaN().any()).as(what).isFalse();
    assertThat(off.amaxNumber().doubleValue()).as(what).isLessThan(tolerance);
  }

  @TestFactory
  Stream<DynamicTest> inDoublePrecision() {
    return losses().entrySet().stream()
        .map(
            loss ->
                DynamicTest.dynamicTest(
                    loss.getKey(),
                    () ->
                        check(loss.getValue(), DataType.DOUBLE, 1e-10, -740, -1000, -10000, 1000)));
  }

  @TestFactory
  Stream<DynamicTest> inSinglePrecision() {
    return losses().entrySet().stream()
        .map(
            loss ->
                DynamicTest.dynamicTest(
                    loss.getKey(),
                    () -> check(loss.getValue(), DataType.FLOAT, 1e-3, -95, -1000, 1000)));
  }

  /** The logits are multiples of 1/32, which HALF has around 32 as well. */
  @TestFactory
  Stream<DynamicTest> inHalfPrecision() {
    return Stream.of("softmax cross-entropy", "log of a softmax", "squares of a softmax")
        .map(
            name ->
                DynamicTest.dynamicTest(
                    name, () -> check(losses().get(name), DataType.FLOAT16, 2e-2, -16, -32)));
  }
}
