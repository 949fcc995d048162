package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.List;
import java.util.function.BiFunction;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/** Ops whose results have no derivative, as factors of what has one. */
class IndexRuleTest {
  private interface Op extends BiFunction<SameDiff, SDVariable, SDVariable> {}

  private static Arguments of(String name, Op op) {
    return arguments(name, op);
  }

  private static SDVariable number(SDVariable x) {
    return x.castTo(DataType.DOUBLE);
  }

  static List<Arguments> factors() {
    return List.of(
        of("argmax", (sd, x) -> x.mul(number(sd.argmax(x, true, 1)).add(1))),
        of("argmin", (sd, x) -> x.mul(number(sd.argmin(x, 2)).add(1).reshape(-1, 2, 1))),
        of(
            "oneHot",
            (sd, x) -> x.mul(sd.oneHot(sd.argmax(x, 2), 3, -1, 2.0, 0.5, DataType.DOUBLE))),
        of("countNonZero", (sd, x) -> x.mul(number(sd.math().countNonZero(x, true, 1, 2)))),
        of("zeroFraction", (sd, x) -> x.mul(sd.math().zeroFraction(sd.nn().relu(x, 0)).add(1))),
        of("size", (sd, x) -> x.mul(number(sd.size(x)).mul(0.1))),
        of("sizeAt", (sd, x) -> x.div(number(sd.sizeAt(x, 0)))),
        of("rank", (sd, x) -> x.mul(number(sd.rank(x)))),
        of("shape", (sd, x) -> x.mul(number(sd.slice(sd.shape(x), new int[] {1}, 2)).sum())),
        of("range", (sd, x) -> x.mul(sd.range(0.0, 3.0, 1.0, DataType.DOUBLE))),
        of("fill", (sd, x) -> x.mul(sd.fill(sd.shape(x), DataType.DOUBLE, 2.5))),
        of("eye", (sd, x) -> x.mul(sd.math().eye(2, 3, DataType.DOUBLE).add(1))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("factors")
  void asAFactor(String name, Op op) {
    Between net = Between.input(2, 3).op(op);
    Checked.check(net.graph(), net.feeds());
  }

  /** The derivative of tanh(x) · stop(tanh(x)) is that of a product with a constant. */
  @Test
  void noGradientPassesStopGradient() {
    Between stopped =
        Between.input(3).op((sd, x) -> x.mul(new StopGradient(sd, x).outputVariable()));
    INDArray frozen = stopped.graph().output(stopped.feeds(), "h_x").get("h_x").dup();
    Between net =
        Between.input(3)
            .feed("frozen", frozen)
            .op((sd, x) -> x.mul(sd.placeHolder("frozen", DataType.DOUBLE, -1, 3)));
    try (ExtendedGraph a = BackPack.extend(stopped.graph());
        ExtendedGraph b = BackPack.extend(net.graph())) {
      INDArray expected = b.output(net.feeds(), "w.grad").get("w.grad");
      INDArray actual = a.output(stopped.feeds(), "w.grad").get("w.grad");
      assertThat(actual.distance2(expected)).isLessThan(1e-12);
      assertThat(expected.norm2Number().doubleValue()).isGreaterThan(1e-4);
    }
  }
}
