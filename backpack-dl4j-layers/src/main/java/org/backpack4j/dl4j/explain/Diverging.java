package org.backpack4j.dl4j.explain;

import java.util.Arrays;

/**
 * Colours from blue by white to vermilion (of Okabe and Ito's palette, told apart with every kind
 * of colour blindness), and how numbers are brought to them.
 */
final class Diverging {
  private static final int[] NEGATIVE = {0, 114, 178};
  private static final int[] POSITIVE = {213, 94, 0};

  private Diverging() {}

  /** The largest magnitude, of finite numbers. */
  static double limit(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElse(0);
  }

  /** A number as a share of a limit, in [−1, 1]; 0 if the limit is 0. */
  static double share(double value, double limit) {
    return limit == 0 ? 0 : Math.max(-1, Math.min(1, value / limit));
  }

  /**
   * A colour.
   *
   * @param share in [−1, 1]
   * @param below what it is laid over, a grey from 0 to 1
   * @return red, green and blue, from 0 to 255
   */
  static int[] colour(double share, double below) {
    int[] full = share < 0 ? NEGATIVE : POSITIVE;
    double opaque = Math.abs(share);
    int[] mixed = new int[3];
    for (int c = 0; c < 3; c++) {
      mixed[c] = (int) Math.round(opaque * full[c] + (1 - opaque) * 255 * below);
    }
    return mixed;
  }

  /** Refuses what has no colour. */
  static void finite(double[] values) {
    for (int k = 0; k < values.length; k++) {
      if (!Double.isFinite(values[k])) {
        throw new IllegalArgumentException(
            "Entry " + k + " is " + values[k] + ": only finite numbers have a colour.");
      }
    }
  }
}
