package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.factory.Nd4j;

/** {@code cumsum} and {@code cumprod}. */
class CumulativeRuleTest {
  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void ofAnActivation(boolean exclusive, boolean reverse) {
    Between net =
        Between.input(3, 2)
            .op(
                (sd, x) ->
                    sd.cumsum(x, exclusive, reverse, 1)
                        .add(sd.cumprod(x.add(1), exclusive, reverse, 1).mul(2))
                        .add(sd.cumprod(x.add(1), exclusive, reverse, -1)));
    Checked.check(net.graph(), net.feeds());
  }

  @ParameterizedTest
  @CsvSource({"false, false", "true, true"})
  void alongSeveralAxes(boolean exclusive, boolean reverse) {
    Between net =
        Between.input(3, 2)
            .op(
                (sd, x) ->
                    sd.cumsum(x, exclusive, reverse, 1, 2)
                        .add(sd.cumprod(x.add(1), exclusive, reverse, 1, 2)));
    Checked.check(net.graph(), net.feeds());
  }

  @ParameterizedTest
  @CsvSource({"false, false", "true, true"})
  void ofAParameter(boolean exclusive, boolean reverse) {
    Between net = Between.input(3);
    SameDiff sd = net.graph();
    SDVariable q = sd.var("q", Between.random(2, 3).addi(1));
    net.op(
        (g, x) ->
            x.mul(sd.cumprod(q, exclusive, reverse, 1).sum(0))
                .mul(sd.cumsum(q, exclusive, reverse, 0).sum(0)));
    Checked.check(sd, net.feeds());
  }

  @Test
  void aProductWithZeros() {
    Between net =
        Between.input(3)
            .op((sd, x) -> sd.cumprod(x.mul(sd.constant(Nd4j.createFromArray(1.0, 0, 2))), 1));
    Checked.check(net.graph(), net.feeds());
  }

  @Test
  void traces() {
    Between net = Between.input(2, 2, 3).op((sd, x) -> sd.math().tanh(sd.math().trace(x)));
    Checked.check(net.graph(), net.feeds());
  }
}
