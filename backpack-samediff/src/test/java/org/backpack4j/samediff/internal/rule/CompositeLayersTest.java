package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;

import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.PartitionMode;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.custom.DotProductAttention;
import org.nd4j.linalg.factory.Nd4j;

/** Layers that are rewritten before they are extended, and attention written out by hand. */
class CompositeLayersTest {
  private final Net net = new Net();

  @Test
  void dense() {
    SDVariable x = net.fed("x", 3, 4);
    SDVariable h = net.sd.nn().reluLayer("h", x, net.parameter("w", 4, 5), net.parameter("b", 5));
    net.classified(net.sd.nn().linear("o", h, net.parameter("v", 5, 3), net.parameter("c", 3)), 3);
    net.check();
  }

  /** M2.1 cannot multiply a matrix to a tensor otherwise. */
  @ParameterizedTest
  @CsvSource({"2, 0", "1, 1"})
  void denseForEachStep(int axis, int weightAxis) {
    SDVariable x = net.fed("x", 3, 4, 4);
    SDVariable w = net.parameter("w", weightAxis == 0 ? 4 : 2, weightAxis == 0 ? 2 : 4);
    net.classified(net.sd.tensorMmul(x, w, new int[] {axis}, weightAxis), 3);
    net.checkNumbers();
  }

  @Test
  void embeddingLookup() {
    SDVariable words = net.fed("words", Nd4j.createFromArray(3, 1, 3));
    SDVariable table = net.parameter("table", 4, 2);
    net.classified(net.sd.math().embeddingLookup(table, words, PartitionMode.MOD), 3);
    net.checkNumbers();
  }

  /** Queries, keys and values [N, features, steps] of x [N, 3, T], by parameters. */
  private SDVariable projected(String name, SDVariable x, int features) {
    SDVariable w = net.parameter(name, features, 3);
    return net.sd.permute(net.sd.tensorMmul(x, w, new int[] {1}, 1), 0, 2, 1);
  }

  private SDVariable mask() {
    INDArray mask = Nd4j.createFromArray(new double[][] {{1, 1, 0, 1}, {1, 0, 0, 0}, {1, 1, 1, 1}});
    return net.fed("mask", mask);
  }

  @ParameterizedTest
  @CsvSource({"true, false", "false, false", "true, true"})
  void attention(boolean scaled, boolean masked) {
    SDVariable x = net.fed("x", 3, 3, 4);
    SDVariable q = projected("wq", x, 2);
    SDVariable k = projected("wk", x, 2);
    SDVariable v = projected("wv", x, 3);
    net.classified(net.sd.nn().dotProductAttention(q, k, v, masked ? mask() : null, scaled), 3);
    if (masked) {
      net.check();
    } else {
      net.checkNumbers();
    }
  }

  @Test
  void attentionAndItsWeights() {
    SDVariable x = net.fed("x", 3, 3, 4);
    SDVariable q = projected("wq", x, 2);
    SDVariable k = projected("wk", x, 2);
    SDVariable v = projected("wv", x, 4);
    SDVariable[] both =
        new DotProductAttention(net.sd, q, k, v, null, true, true).outputVariables();
    net.classified(both[0].add(both[1]), 3);
    net.checkNumbers();
  }

  @ParameterizedTest
  @CsvSource({"true, true", "false, false"})
  void multiHeadAttention(boolean scaled, boolean masked) {
    SDVariable x = net.fed("x", 3, 3, 4);
    SDVariable h =
        net.sd
            .nn()
            .multiHeadDotProductAttention(
                x,
                x,
                x,
                net.parameter("wq", 2, 2, 3),
                net.parameter("wk", 2, 2, 3),
                net.parameter("wv", 2, 2, 3),
                net.parameter("wo", 4, 3),
                masked ? mask() : null,
                scaled);
    net.classified(h.add(x), 3);
    net.check();
  }

  /** Queries that are parameters themselves, the same for every sample. */
  @Test
  void learnedQueries() {
    SDVariable x = net.fed("x", 3, 3, 4);
    SDVariable k = projected("wk", x, 2);
    SDVariable v = projected("wv", x, 3);
    SDVariable q =
        net.parameter("q", 1, 2, 2).mul(net.fed("one", Nd4j.ones(k.dataType(), 3, 1, 1)));
    net.classified(net.sd.nn().dotProductAttention(q, k, v, null, true), 3);
    net.checkNumbers();
  }

  /** Heads by reshape and permute, as people write it. */
  @Test
  void attentionWrittenOut() {
    int heads = 2;
    int steps = 3;
    SDVariable x = net.fed("x", 3, steps, 4);
    SDVariable rows = x.reshape(-1, 4);
    SDVariable[] parts = new SDVariable[3];
    for (int k = 0; k < 3; k++) {
      SDVariable part = rows.mmul(net.parameter("w" + k, 4, 4));
      if (k != 1) { // a bias of the keys would be the same for all of them, and do nothing
        part = part.add(net.parameter("b" + k, 4));
      }
      parts[k] = net.sd.permute(part.reshape(-1, steps, heads, 2), 0, 2, 1, 3);
    }
    SDVariable scores = net.sd.mmul(parts[0], parts[1], false, true, false).div(Math.sqrt(2));
    SDVariable weights = net.sd.nn().softmax(scores, 3);
    SDVariable mixed = net.sd.permute(net.sd.mmul(weights, parts[2]), 0, 2, 1, 3).reshape(-1, 4);
    SDVariable out = mixed.mmul(net.parameter("wo", 4, 4)).reshape(-1, steps, 4).add(x);
    SDVariable normal =
        net.sd.nn().layerNorm(out, net.parameter("gain", 4), net.parameter("bias", 4), false, 2);
    net.classified(normal, 3);
    net.checkNumbers();
  }

  @Test
  void theTableShowsWhatALayerIsMadeOf() {
    SDVariable x = net.fed("x", 3, 4);
    net.classified(net.sd.nn().linear("o", x, net.parameter("w", 4, 3), net.parameter("b", 3)), 3);
    try (ExtendedGraph graph = BackPack.extend(net.sd, new BatchGrad())) {
      assertThat(graph.toString())
          .contains("matmul", "w.grad_batch", "b.grad_batch")
          .doesNotContain("xw_plus_b ", "entrance");
    }
  }

  /** What a rewritten layer computes beside the loss is still there. */
  @Test
  void resultsThatNoLossNeedsRemain() {
    SDVariable x = net.fed("x", 3, 3, 4);
    SDVariable q = projected("wq", x, 2);
    SDVariable[] both =
        new DotProductAttention(net.sd, q, q, x, null, true, true).outputVariables();
    net.classified(both[0], 3);
    INDArray expected = net.value(both[1]);
    try (ExtendedGraph graph = BackPack.extend(net.sd, new BatchGrad())) {
      INDArray weights = graph.output(net.feeds, both[1].name()).get(both[1].name());
      assertThat(weights.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-12);
    }
  }
}
