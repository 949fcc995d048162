package org.backpack4j.examples.notebook.view;

import java.util.Arrays;

/** Shapes that can be drawn. */
final class LongShapes {

  private LongShapes() {}

  /**
   * A matrix where there are at most two axes that count, else the shape as it is. A vector is one
   * line.
   */
  static long[] flat(long[] shape) {
    long[] counting = Arrays.stream(shape).filter(d -> d != 1).toArray();
    return switch (counting.length) {
      case 0 -> new long[] {1, 1};
      case 1 -> new long[] {1, counting[0]};
      case 2 -> counting;
      default -> shape;
    };
  }

  /** Whether a heat map shows anything to speak of. */
  static boolean drawable(long[] shape, long most) {
    int axes = flat(shape).length;
    long entries = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    return (axes == 2 || axes == 4) && entries > 1 && entries <= most;
  }
}
