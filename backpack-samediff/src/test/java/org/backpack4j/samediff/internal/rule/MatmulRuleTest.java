package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.extension.DiagGGNExact;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class MatmulRuleTest {
  private final Net net = new Net();

  private static long[] shape(boolean transposed, long rows, long columns) {
    return transposed ? new long[] {columns, rows} : new long[] {rows, columns};
  }

  /** A dense layer whose samples are rows or columns, its weights on either side. */
  @ParameterizedTest
  @CsvSource({
    "true, false, false, false",
    "true, true, false, false",
    "true, false, true, false",
    "true, false, true, true",
    "false, false, false, false",
    "false, false, true, false",
    "false, true, false, true"
  })
  void dense(boolean samplesAreRows, boolean tA, boolean tB, boolean tResult) {
    SDVariable x = net.hidden(3, 4);
    boolean turned = samplesAreRows ? tA : !tB;
    SDVariable data = turned ? net.sd.transpose(x) : x;
    SDVariable w = net.parameter("w", samplesAreRows ? shape(tB, 4, 2) : shape(tA, 2, 4));
    SDVariable z =
        samplesAreRows
            ? net.sd.mmul(data, w, tA, tB, tResult)
            : net.sd.mmul(w, data, tA, tB, tResult);
    boolean samplesFirst = samplesAreRows != tResult;
    net.classified(samplesFirst ? z : net.sd.transpose(z), 3);
    net.checkNumbers();
  }

  /** Products of activations, one for each sample and head. */
  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void activations(boolean tA, boolean tB) {
    long[] a = tA ? new long[] {3, 2, 4, 2} : new long[] {3, 2, 2, 4};
    SDVariable h = net.hidden(a);
    SDVariable v = net.parameter("v", 1, 2, tB ? 3 : 4, tB ? 4 : 3);
    SDVariable other = net.sd.math().tanh(net.fed("x2", 3, 2, tB ? 3 : 4, tB ? 4 : 3).mul(v));
    net.classified(net.sd.mmul(h, other, tA, tB, false), 3);
    net.checkNumbers();
  }

  /** A matrix of parameters for each head. */
  @Test
  void weightsOfEachHead() {
    SDVariable w = net.parameter("w", 2, 4, 2);
    SDVariable turned = net.sd.permute(net.hidden(3, 2, 2, 4), 1, 0, 2, 3);
    SDVariable flat = turned.reshape(2, -1, 4);
    SDVariable out = net.sd.permute(net.sd.mmul(flat, w).reshape(2, -1, 2, 2), 1, 0, 2, 3);
    net.classified(out, 3);
    net.checkNumbers();
  }

  /** 23 columns, 24 inputs: squares are summed over pairs of the two positions. */
  @Test
  void manyColumnsAndFewPositions() {
    SDVariable rows = net.sd.reshape(net.fed("x", 3, 2, 24), -1, 24);
    SDVariable hidden = net.sd.math().tanh(rows.mmul(net.parameter("w", 24, 2)));
    SDVariable z = net.sd.reshape(hidden, -1, 4).mmul("z", net.parameter("v", 4, 24));
    net.sd
        .loss()
        .softmaxCrossEntropy(
            "loss",
            net.fed(
                "y",
                Nd4j.eye(24)
                    .castTo(DataType.DOUBLE)
                    .get(NDArrayIndex.interval(0, 3), NDArrayIndex.all())
                    .dup()),
            z,
            null);
    net.checkNumbers();
  }

  @Test
  void inEveryLayout() {
    net.classified(net.sd.mmul(net.hidden(3, 4), net.parameter("w", 2, 4), false, true, false), 3);
    net.check();
  }

  /** Both factors vary with the predictions: pairs of signed columns. */
  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void productOfPredictions(boolean tA, boolean tB) {
    SDVariable z = net.hidden(3, 2, 2, 3).rename("z");
    SDVariable a = tA ? net.sd.permute(z, 0, 1, 3, 2) : z;
    SDVariable r = net.fed("x2", 3, 2, 2, 3).mul("r", net.sd.getVariable("scale"));
    SDVariable b = tB ? r : net.sd.permute(r, 0, 1, 3, 2);
    SDVariable product = net.sd.mmul(a, b, tA, tB, false);
    net.byHand(product.mul(net.fed("weights", 3, 2, 2, 2)).sum());
    net.checkNumbers("z", "r");
  }

  /** A Gram matrix of predictions. */
  @Test
  void productWithItself() {
    SDVariable z = net.hidden(3, 2, 3).rename("z");
    SDVariable gram = net.sd.mmul(z, z, false, true, false);
    net.byHand(net.sd.math().square(gram.sub(net.fed("y", 3, 2, 2))).sum());
    net.checkNumbers("z");
  }

  /** Attention between predictions and loss. */
  @Test
  void attentionOfPredictions() {
    SDVariable z = net.hidden(3, 2, 3).rename("z");
    SDVariable attended = net.sd.nn().dotProductAttention(z, z, z, null, true);
    net.byHand(net.sd.math().square(attended.sub(net.fed("y", 3, 2, 3))).mean());
    net.checkNumbers("z");
  }

  @Test
  void productOverTheSamples() {
    SDVariable z = net.hidden(3, 4).rename("z");
    net.byHand(net.sd.math().tanh(net.sd.mmul(z, z, true, false, false)).sum());
    net.refused(new DiagGGNExact());
    net.gradientIsCoupled();
  }
}
