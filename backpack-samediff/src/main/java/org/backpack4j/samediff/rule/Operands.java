package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Where a derivative of an elementwise function y = f(a, b) is wanted. What is not asked for is not
 * emitted.
 *
 * @param site a node that computes f
 */
record Operands(Site site) {
  /** The first input [N, 1, …] in the output's type, with ones where it is broadcast. */
  Tensor a() {
    return operand(0);
  }

  /** The second input [N, 1, …] in the output's type, with ones where it is broadcast. */
  Tensor b() {
    return operand(1);
  }

  private Tensor operand(int input) {
    return site.emit().cast(site.aligned(input, 0), site.outputType(0));
  }

  /** The output y [N, 1, F…]. */
  Tensor y() {
    return site.outputValue(0);
  }

  /** The same number at every entry; it costs no op. */
  Tensor number(double value) {
    Dims ones = Dims.ones(2 + site.outputPerSample(0).rank());
    return site.emit().literal(value, site.outputType(0), ones);
  }

  /** Whether both inputs are one variable. */
  boolean same() {
    return site.node().inputs().get(0).equals(site.node().inputs().get(1));
  }

  /** The second input if it is one constant number, else null. */
  @Nullable Double constant() {
    INDArray constant = site.constant(1);
    return constant != null && constant.length() == 1 ? constant.getDouble(0) : null;
  }
}
