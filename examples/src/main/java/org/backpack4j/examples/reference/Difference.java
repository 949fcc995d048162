package org.backpack4j.examples.reference;

/**
 * How far a computed array is from its figure.
 *
 * @param relative the largest absolute difference over the largest absolute entry of the figure
 * @param scale the largest absolute entry of the figure
 */
public record Difference(double relative, double scale) {

  /** Figures that are no larger than this are zero but for rounding. */
  private static final double ZERO = 1e-12;

  static final Difference NONE = new Difference(0, 1);

  /** Not to be compared at all: another shape, an entry that is not a number. */
  static final Difference ENDLESS = new Difference(Double.POSITIVE_INFINITY, 1);

  static Difference of(double largestDifference, double largestEntry) {
    if (Double.isNaN(largestDifference)) {
      return ENDLESS;
    }
    return largestEntry <= ZERO
        ? new Difference(largestDifference, 0)
        : new Difference(largestDifference / largestEntry, largestEntry);
  }

  /** Whether this is within a relative tolerance; against a figure of zero, within 1e-12. */
  public boolean within(double tolerance) {
    return relative <= (scale == 0 ? ZERO : tolerance);
  }

  /** The one that matters more. */
  Difference worse(Difference other) {
    if (scale == 0 ^ other.scale == 0) {
      // A figure of zero matters only where it is missed.
      Difference zero = scale == 0 ? this : other;
      return zero.within(0) ? (scale == 0 ? other : this) : zero;
    }
    return relative >= other.relative ? this : other;
  }
}
