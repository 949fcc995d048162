package org.backpack4j.examples.reference;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The entries of arrays, in C order whatever the array's own. */
final class Flat {

  private Flat() {}

  static double[] of(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }
}
