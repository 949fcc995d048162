package org.backpack4j.samediff.check;

import org.backpack4j.samediff.internal.nd4j.Contiguous;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** ND4J's arrays as Java arrays of doubles in 'c' order, and back. */
final class Arrays64 {
  private Arrays64() {}

  /** A copy of the entries in 'c' order. */
  static double[] of(INDArray array) {
    if (array.isEmpty()) {
      return new double[0];
    }
    INDArray doubles = array.castTo(DataType.DOUBLE);
    return (doubles.isView() ? doubles.dup('c') : Contiguous.of(doubles)).data().asDouble();
  }

  /** A new array of the given shape and entries. */
  static INDArray toArray(double[] entries, long... shape) {
    return Nd4j.create(entries, shape, 'c').castTo(DataType.DOUBLE);
  }
}
