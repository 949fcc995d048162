package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Inverse matrices, determinants and cross products. */
class MatrixRuleTest {
  /** Well away from singular. */
  private static SDVariable regular(SameDiff sd, SDVariable x) {
    return x.add(sd.constant(Nd4j.eye(2).castTo(DataType.DOUBLE).mul(2)));
  }

  @Test
  void inverseMatrices() {
    Between net = Between.input(2, 2, 2).op((sd, x) -> sd.math().matrixInverse(regular(sd, x)));
    Checked.check(net.graph(), net.feeds());
  }

  @Test
  void determinants() {
    Between net = Between.input(3, 2, 2).op((sd, x) -> sd.math().matrixDeterminant(regular(sd, x)));
    Checked.check(net.graph(), net.feeds());
  }

  @Test
  void ofParameters() {
    Between net = Between.input(2);
    SameDiff sd = net.graph();
    SDVariable q = regular(sd, sd.var("q", Between.random(2, 2)));
    net.op(
        (g, x) ->
            x.mmul(sd.math().matrixInverse(q))
                .mul(sd.math().matrixDeterminant(q.reshape(1, 2, 2))));
    Checked.check(sd, net.feeds());
  }

  @Test
  void crossProducts() {
    Between net =
        Between.input(2, 3).op((sd, x) -> sd.math().cross(x, sd.math().square(x).add(0.3)));
    Checked.check(net.graph(), net.feeds());
  }

  @Test
  void crossProductsOfParameters() {
    Between net = Between.input(3);
    SameDiff sd = net.graph();
    SDVariable q = sd.var("q", Between.random(1, 3));
    SDVariable r = sd.var("r", Between.random(3, 1).addi(1));
    net.op((g, x) -> x.mul(sd.math().cross(q, sd.reshape(r, 1, 3))));
    Checked.check(sd, net.feeds());
  }
}
