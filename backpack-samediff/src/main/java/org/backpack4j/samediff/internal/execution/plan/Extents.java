package org.backpack4j.samediff.internal.execution.plan;

/** Arithmetic on shapes. */
public final class Extents {
  private Extents() {}

  /** The product of the extents from one axis to before another. */
  public static long product(long[] shape, int from, int to) {
    long product = 1;
    for (int axis = from; axis < to; axis++) {
      product *= shape[axis];
    }
    return product;
  }

  public static long product(long[] shape) {
    return product(shape, 0, shape.length);
  }
}
