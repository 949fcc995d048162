package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.List;
import java.util.function.BiFunction;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.factory.Nd4j;

/** Reshapes of all kinds, and axes in another order. */
class ReshapeRuleTest {
  private interface Op extends BiFunction<SameDiff, SDVariable, SDVariable> {}

  private static Arguments of(String name, Op op) {
    return arguments(name, op);
  }

  static List<Arguments> shapes() {
    return List.of(
        of("reshape", (sd, x) -> x.reshape(-1, 3, 2)),
        of(
            "to a computed shape",
            (sd, x) ->
                sd.reshape(
                    x,
                    sd.stack(0, sd.sizeAt(x, 0), sd.constant(Nd4j.scalar(3L)), sd.sizeAt(x, 1)))),
        of("to the shape of something else", (sd, x) -> sd.reshape(x.reshape(-1, 6), sd.shape(x))),
        of("squeeze", (sd, x) -> sd.squeeze(x.reshape(-1, 2, 1, 3), 2)),
        of("expand dims", (sd, x) -> sd.expandDims(sd.expandDims(x, 1), -1)),
        of("samples second", (sd, x) -> sd.squeeze(sd.math().tanh(sd.expandDims(x, 0)), 0)),
        of("identity", (sd, x) -> sd.identity(x)),
        of("permute", (sd, x) -> sd.permute(x, 0, 2, 1)),
        of("transpose", (sd, x) -> sd.permute(sd.math().tanh(sd.transpose(x)), 2, 1, 0)),
        of("samples last", (sd, x) -> sd.permute(sd.math().tanh(sd.permute(x, 1, 2, 0)), 2, 0, 1)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("shapes")
  void ofAnActivation(String name, Op op) {
    Between net = Between.input(2, 3).op(op);
    Checked.check(net.graph(), net.feeds());
  }

  @Test
  void refusesToPermuteByNegativeAxes() {
    Between net = Between.input(2, 3).op((sd, x) -> sd.permute(x, 0, -1, -2));
    assertThatThrownBy(() -> BackPack.extend(net.graph(), new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("\"permute\"")
        .hasMessageContaining("negative axes");
  }

  @Test
  void foldedSamplesOnAnotherAxis() {
    Between net =
        Between.inputOnAxis(1, 2, 3)
            .op(
                (sd, x) -> {
                  SDVariable rows = sd.math().tanh(x.reshape(2, -1)); // [2, N · 3]
                  SDVariable back = sd.transpose(rows).reshape(-1, 3, 2);
                  return sd.permute(back, 0, 2, 1);
                });
    SameDiff sd = net.graph();
    Checked.check(
        sd,
        net.feeds(),
        BackPack.on(sd).sampleAxis("x", 1),
        BruteForce.on(sd, net.feeds()).sampleAxis(1),
        Checked.all());
  }
}
