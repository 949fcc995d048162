package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Where a derivative of an elementwise function y = f(x) is wanted. What is not asked for is not
 * emitted.
 *
 * @param context a node that computes f
 */
record Point(NodeContext context) {
  /** The input x, [N, 1, F…]. */
  Tensor x() {
    return context.value(0);
  }

  /** The output y, [N, 1, F…]. */
  Tensor y() {
    return context.outputValue(0);
  }

  /** The same number at every entry; it costs no op. */
  Tensor number(double value) {
    Dims ones = Dims.ones(2 + context.outputPerSample(0).rank());
    return context.emit().literal(value, context.type(0), ones);
  }

  /** The scalar of a scalar op. */
  double scalar() {
    return context.node().scalar();
  }

  /** A floating point argument of a custom op. */
  double argument(int index, double otherwise) {
    return context.node().tArg(index, otherwise);
  }
}
