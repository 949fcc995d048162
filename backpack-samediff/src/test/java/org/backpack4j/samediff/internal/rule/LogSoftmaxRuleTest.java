package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;

class LogSoftmaxRuleTest {
  private final Net net = new Net();

  @ParameterizedTest
  @CsvSource({"-1", "1", "2"})
  void alongAnAxis(int axis) {
    net.classified(net.sd.nn().logSoftmax(net.hidden(3, 2, 3, 2), axis), 3);
    net.checkNumbers();
  }

  @Test
  void inEveryLayout() {
    net.classified(net.sd.nn().logSoftmax(net.hidden(3, 2, 3), 1), 3);
    net.check();
  }

  @Test
  void ofAParameter() {
    SDVariable mixture = net.sd.nn().logSoftmax(net.parameter("v", 3, 2), 0);
    net.classified(net.hidden(3, 3).mmul(mixture), 3);
    net.checkNumbers();
  }

  @Test
  void samplesFoldedWithSteps() {
    SDVariable rows = net.hidden(3, 2, 4).reshape(-1, 4);
    net.classified(net.sd.nn().logSoftmax(rows, 1).reshape(-1, 8), 3);
    net.checkNumbers();
  }

  /** Curvature starts at the softmax itself, over rows of one sample. */
  @ParameterizedTest
  @CsvSource({"1", "2"})
  void inALossWrittenByHand(int axis) {
    SDVariable z = net.hidden(3, 2, 3).rename("z");
    SDVariable p = net.sd.nn().logSoftmax(z, axis);
    SDVariable off = net.sd.math().square(p.sub(net.fed("y", 3, 2, 3)));
    net.byHand(off.sum(1, 2).mul(net.fed("weights", 3)).mean());
    net.checkNumbers("z");
  }

  @Test
  void overTheSamples() {
    net.classified(net.sd.nn().logSoftmax(net.hidden(3, 4), 0), 3);
    net.refused(new DiagGGNExact()).hasMessageContaining("works along the sample axis");
    net.gradientIsCoupled();
  }

  @Test
  void overTheSamplesInALossWrittenByHand() {
    SDVariable p = net.sd.nn().logSoftmax(net.hidden(3, 4).rename("z"), 0);
    net.byHand(net.sd.math().square(p).sum());
    assertThatThrownBy(() -> BackPack.on(net.sd).predictions("z").extend(new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("not a sum over samples");
  }
}
