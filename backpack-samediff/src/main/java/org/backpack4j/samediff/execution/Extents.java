package org.backpack4j.samediff.execution;

/** Arithmetic on shapes. */
final class Extents {
  private Extents() {}

  /** The product of the extents from one axis to before another. */
  static long product(long[] shape, int from, int to) {
    long product = 1;
    for (int axis = from; axis < to; axis++) {
      product *= shape[axis];
    }
    return product;
  }

  static long product(long[] shape) {
    return product(shape, 0, shape.length);
  }
}
