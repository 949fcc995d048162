package org.backpack4j.samediff.check;

import org.nd4j.linalg.api.buffer.DataType;

/**
 * What is nothing beside a loss: the one place that says how small a number has to be not to count.
 *
 * <p>A loss L is a sum of numbers of the size of max(1, |L|) (one that is almost zero is the
 * logarithm of a number near one, or a difference of such numbers), so that nobody computes it, or
 * its derivatives, more exactly than to some units in the last place of that. Of a network that is
 * saturated, whose gradient is smaller still, neither the results nor brute force know a digit.
 */
final class Negligible {
  /** An error of differences, relative to the loss' size, that is none. */
  private static final double ERROR = 1e-9;

  /** So many units in the last place rounding may take. */
  private static final double UNITS = 16;

  private final double size;

  /**
   * A measure.
   *
   * @param loss the loss L
   */
  Negligible(double loss) {
    this.size = Math.max(1, Math.abs(loss));
  }

  /** An error of a difference that needs no mention. */
  double error() {
    return ERROR * size;
  }

  /** What rounding may make of a derivative that is zero, in results of a type. */
  double rounding(DataType type) {
    return switch (type) {
          case DOUBLE -> UNITS * Math.ulp(1.0);
          case FLOAT -> UNITS * Math.ulp(1f);
          case BFLOAT16 -> 0x1p-7; // where a unit is a percent, sixteen would be anything
          default -> 0x1p-10;
        }
        * size;
  }

  /**
   * The same of a sum of squares of derivatives.
   *
   * @param type the results' type
   * @param largest the sum
   */
  double roundingOfSquares(DataType type, double largest) {
    double single = rounding(type);
    return single * (2 * Math.sqrt(Math.abs(largest)) + single);
  }
}
