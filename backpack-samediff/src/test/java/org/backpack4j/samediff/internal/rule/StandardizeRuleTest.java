package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** {@code standardize}, and the normalisations that are written with it. */
class StandardizeRuleTest {
  private final Net net = new Net();

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 3", "1, 3", "2, 3", "-1, -2"})
  void alongAxes(int first, int second) {
    int[] axes = first == second ? new int[] {first} : new int[] {first, second};
    net.classified(net.sd.math().standardize(net.hidden(3, 3, 2, 3), axes), 3);
    net.checkNumbers();
  }

  @Test
  void inALossWrittenByHand() {
    SDVariable z = net.hidden(3, 2, 4).rename("z");
    SDVariable y = net.sd.math().standardize(z, 2);
    net.byHand(net.sd.math().square(y.sub(net.fed("y", 3, 2, 4))).mul(net.fed("w", 3, 2, 4)).sum());
    net.checkNumbers("z");
  }

  @ParameterizedTest
  @CsvSource({"true, 1", "false, 3"})
  void layerNormalisationOfImages(boolean channelsFirst, int axis) {
    SDVariable h = net.hidden(3, 3, 2, 3);
    SDVariable gain = net.parameter("gain", 3);
    SDVariable bias = net.parameter("bias", 3);
    net.classified(net.sd.nn().layerNorm(h, gain, bias, channelsFirst, 1, 2, 3), 3);
    net.check();
  }

  @ParameterizedTest
  @CsvSource({"true, 1", "false, 2"})
  void layerNormalisationOfStepsWithoutBias(boolean channelsFirst, int axis) {
    SDVariable h = net.hidden(3, 3, 3);
    net.classified(net.sd.nn().layerNorm(h, net.parameter("gain", 3), channelsFirst, axis), 3);
    net.checkNumbers();
  }

  /** A gain of zero hides what was normalised from whoever only sees the result. */
  @Test
  void gainOfZero() {
    SDVariable gain = net.sd.var("gain", Nd4j.zeros(DataType.DOUBLE, 4));
    net.classified(net.sd.nn().layerNorm(net.hidden(3, 4), gain, true, 1), 3);
    Map<String, INDArray> results = net.checkNumbers();
    assertThat(results.get("gain.grad").amaxNumber().doubleValue()).isPositive();
  }

  @Test
  void samplesFoldedWithSteps() {
    SDVariable rows = net.hidden(3, 2, 4).reshape(-1, 4);
    SDVariable gain = net.parameter("gain", 4);
    SDVariable bias = net.parameter("bias", 4);
    net.classified(net.sd.nn().layerNorm(rows, gain, bias, true, 1).reshape(-1, 8), 3);
    net.checkNumbers();
  }

  @Test
  void groupNormalisationWrittenOut() {
    SDVariable groups = net.hidden(3, 4, 2, 2).reshape(-1, 2, 8);
    SDVariable centred = groups.sub(groups.mean(true, 2));
    SDVariable variance = net.sd.math().square(centred).mean(true, 2).add(1e-3);
    SDVariable inverse = net.sd.math().exp(net.sd.math().log(variance).mul(-0.5));
    SDVariable normal = centred.mul(inverse).reshape(-1, 4, 2, 2);
    SDVariable gain = net.parameter("gain", 1, 4, 1, 1);
    net.classified(normal.mul(gain).add(net.parameter("bias", 1, 4, 1, 1)), 3);
    net.checkNumbers();
  }

  /** Where nothing varies, ND4J answers zero: so does what goes back. */
  @Test
  void constantRowsAreDead() {
    SDVariable x = net.fed("x", Nd4j.ones(DataType.DOUBLE, 3, 4));
    net.feeds.get("x").putRow(0, Net.random(4));
    SDVariable h = x.mul(net.parameter("w", 1, 1));
    net.classified(net.sd.nn().layerNorm(h, net.parameter("gain", 4), true, 1), 3);
    Map<String, INDArray> results =
        org.backpack4j.samediff.testing.Checked.results(net.sd, net.feeds);
    assertThat(results.get("w.diag_ggn_exact_batch").getDouble(1)).isZero();
    assertThat(results.get("w.grad").getDouble(0)).isFinite();
  }

  @Test
  void overTheSamples() {
    net.classified(net.sd.math().standardize(net.hidden(4, 3), 0), 4);
    net.refused(new DiagGGNExact()).hasMessageContaining("works along the sample axis");
    net.gradientIsCoupled();
  }
}
