package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Tensor;

/**
 * Where a derivative of an elementwise function y = f(x) is wanted. What is not asked for is not
 * emitted.
 *
 * @param site a node that computes f
 */
record Point(Site site) {
  /** The input x, [N, 1, F…]. */
  Tensor x() {
    return site.value(0);
  }

  /** The output y, [N, 1, F…]. */
  Tensor y() {
    return site.outputValue(0);
  }

  /** The same number at every entry; it costs no op. */
  Tensor number(double value) {
    Dims ones = Dims.ones(2 + site.outputPerSample(0).rank());
    return site.emit().literal(value, site.type(0), ones);
  }

  /** The scalar of a scalar op. */
  double scalar() {
    return site.node().scalar();
  }

  /** A floating point argument of a custom op. */
  double argument(int index, double otherwise) {
    return site.node().tArg(index, otherwise);
  }
}
