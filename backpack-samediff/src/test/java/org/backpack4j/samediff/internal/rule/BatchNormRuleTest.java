package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.BatchNorm;

class BatchNormRuleTest {
  private final Net net = new Net();

  private static INDArray variances(long... shape) {
    return Net.random(shape).addi(1);
  }

  private SDVariable normalised(
      SDVariable x,
      SDVariable mean,
      SDVariable variance,
      boolean gamma,
      boolean beta,
      int... axes) {
    long[] shape = axes.length == 1 ? new long[] {3} : new long[] {1, 3, 2, 1};
    return new BatchNorm(
            net.sd,
            x,
            mean,
            variance,
            gamma ? net.parameter("gamma", shape) : null,
            beta ? net.parameter("beta", shape) : null,
            1e-2,
            axes)
        .outputVariable();
  }

  @ParameterizedTest
  @CsvSource({
    "2, 1, true, true",
    "3, 1, true, false",
    "3, 2, false, true",
    "4, 1, false, false",
    "4, 3, true, true",
    "5, 1, true, true",
    "5, 4, true, true",
    "5, -1, true, true"
  })
  void fixedStatistics(int rank, int axis, boolean gamma, boolean beta) {
    long[] shape = new long[rank];
    java.util.Arrays.fill(shape, 2);
    shape[0] = 3;
    shape[axis < 0 ? axis + rank : axis] = 3;
    SDVariable mean = net.sd.constant(Net.random(3));
    SDVariable variance = net.sd.constant(variances(3));
    net.classified(normalised(net.hidden(shape), mean, variance, gamma, beta, axis), 3);
    net.checkNumbers();
  }

  @Test
  void trainedStatistics() {
    SDVariable variance = net.sd.var("variance", variances(3));
    SDVariable mean = net.parameter("mean", 3);
    net.classified(normalised(net.hidden(3, 2, 2, 3), mean, variance, true, true, 3), 3);
    net.check();
  }

  @Test
  void fedStatistics() {
    net.feeds.put("mean", Net.random(3));
    net.feeds.put("variance", variances(3));
    SDVariable mean = net.sd.placeHolder("mean", DataType.DOUBLE, 3);
    SDVariable variance = net.sd.placeHolder("variance", DataType.DOUBLE, 3);
    net.classified(normalised(net.hidden(3, 3, 2, 2), mean, variance, true, true, 1), 3);
    net.check();
  }

  @Test
  void severalAxes() {
    SDVariable mean = net.parameter("mean", 1, 3, 2, 1);
    SDVariable variance = net.sd.var("variance", variances(1, 3, 2, 1));
    net.classified(normalised(net.hidden(3, 3, 2, 2), mean, variance, true, true, 1, 2), 3);
    net.checkNumbers();
  }

  @Test
  void samplesFoldedWithSteps() {
    SDVariable rows = net.hidden(3, 2, 3).reshape(-1, 3);
    SDVariable mean = net.parameter("mean", 3);
    SDVariable variance = net.sd.var("variance", variances(3));
    net.classified(normalised(rows, mean, variance, true, true, 1).reshape(-1, 6), 3);
    net.checkNumbers();
  }

  /** In the loss written by hand it is linear in its input. */
  @Test
  void inALossWrittenByHand() {
    SDVariable mean = net.sd.constant(Net.random(3));
    SDVariable variance = net.sd.constant(variances(3));
    SDVariable z = net.hidden(3, 3).rename("z");
    SDVariable y = normalised(z, mean, variance, false, false, 1);
    net.byHand(net.sd.math().exp(y).sum());
    net.checkNumbers("z");
  }

  @Test
  void statisticsOfTheBatchCoupleSamples() {
    SDVariable h = net.hidden(4, 3, 2, 2);
    SDVariable[] moments = net.sd.math().moments(h, new int[] {0, 2, 3}, false);
    net.classified(normalised(h, moments[0], moments[1], true, true, 1), 4);
    net.refused(new DiagGGNExact()).hasMessageContaining("samples influence each other");
    net.gradientIsCoupled();
  }

  @Test
  void statisticsWrittenOutCoupleSamples() {
    SDVariable h = net.hidden(4, 2, 3);
    SDVariable mean = h.mean(0, 1);
    SDVariable variance = net.sd.math().square(h.sub(mean)).mean(0, 1);
    net.classified(normalised(h, mean, variance, true, true, 2), 4);
    net.refused(new DiagGGNExact()).hasMessageContaining("samples influence each other");
    net.gradientIsCoupled();
  }

  @Test
  void channelsOnTheSampleAxis() {
    SDVariable variance = net.fed("variance", variances(3));
    net.classified(normalised(net.hidden(3, 2), net.fed("mean", 3), variance, false, false, 0), 3);
    net.refused(new BatchGrad()).hasMessageContaining("channels are on the sample axis");
  }
}
