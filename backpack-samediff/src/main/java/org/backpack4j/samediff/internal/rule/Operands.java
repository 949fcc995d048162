package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Where a derivative of an elementwise function y = f(a, b) is wanted. What is not asked for is not
 * emitted.
 *
 * @param context a node that computes f
 */
record Operands(NodeContext context) {
  /** The first input [N, 1, …] in the output's type, with ones where it is broadcast. */
  Tensor a() {
    return operand(0);
  }

  /** The second input [N, 1, …] in the output's type, with ones where it is broadcast. */
  Tensor b() {
    return operand(1);
  }

  private Tensor operand(int input) {
    return context.emit().cast(context.aligned(input, 0), context.outputType(0));
  }

  /** The output y [N, 1, F…]. */
  Tensor y() {
    return context.outputValue(0);
  }

  /** The same number at every entry; it costs no op. */
  Tensor number(double value) {
    Dims ones = Dims.ones(2 + context.outputPerSample(0).rank());
    return context.emit().literal(value, context.outputType(0), ones);
  }

  /** Whether both inputs are one variable. */
  boolean same() {
    return context.node().inputs().get(0).equals(context.node().inputs().get(1));
  }

  /** The second input if it is one constant number, else null. */
  @Nullable Double constant() {
    INDArray constant = context.constant(1);
    return constant != null && constant.length() == 1 ? constant.getDouble(0) : null;
  }
}
