package org.backpack4j.dl4j.internal.dropout;

import org.nd4j.linalg.api.ndarray.INDArray;

/** Factors of a layer's input, by what it was and what it became. */
final class Ratios {
  private Ratios() {}

  /** after / before, NaN where the input is 0. */
  static INDArray of(INDArray before, INDArray after) {
    INDArray x = before.dup('c');
    INDArray y = after.dup('c');
    for (long k = 0; k < x.length(); k++) {
      y.putScalar(k, x.getDouble(k) == 0 ? Double.NaN : y.getDouble(k) / x.getDouble(k));
    }
    return y;
  }

  /**
   * The same where all factors but 0 are one and the same number: that of the largest entry, which
   * is the least rounded.
   */
  static INDArray ofOne(INDArray before, INDArray after) {
    INDArray x = before.dup('c');
    INDArray y = after.dup('c');
    long largest = 0;
    for (long k = 0; k < y.length(); k++) {
      largest = Math.abs(y.getDouble(k)) > Math.abs(y.getDouble(largest)) ? k : largest;
    }
    double factor = y.getDouble(largest) == 0 ? 0 : y.getDouble(largest) / x.getDouble(largest);
    for (long k = 0; k < y.length(); k++) {
      y.putScalar(k, x.getDouble(k) == 0 ? Double.NaN : y.getDouble(k) == 0 ? 0 : factor);
    }
    return y;
  }
}
