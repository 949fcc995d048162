package org.backpack4j.dl4j.internal.report;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Histograms of the entries of all samples' gradients of a parameter. A bin has its lower bound,
 * and the last one also the upper bound.
 *
 * @param range r: gradients are from −r to r, the largest magnitude of an entry; 0 if all are 0
 * @param counts the entries in {@value #BINS} bins of the same width from −r to r
 * @param low the least parameter
 * @param high the largest parameter
 * @param grid [{@value #GRADIENTS}][{@value #VALUES}] entries by gradient from −r to r, and by the
 *     parameter's value from low to high; null where it is not kept
 */
public record Histogram(
    double range, long[] counts, double low, double high, long @Nullable [][] grid) {
  static final int BINS = 100;
  static final int GRADIENTS = 40;
  static final int VALUES = 50;

  /**
   * Counts.
   *
   * @param gradients [N, P…]; it is read a sample at a time, and not kept
   * @param parameter [P…]
   * @return the histograms; null if a gradient or a parameter is not finite
   */
  static @Nullable Histogram of(INDArray gradients, INDArray parameter) {
    double range = gradients.amaxNumber().doubleValue();
    double[] values = doubles(parameter);
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      low = Math.min(low, value); // NaN stays
      high = Math.max(high, value);
    }
    if (!Double.isFinite(range) || !Double.isFinite(low) || !Double.isFinite(high)) {
      return null;
    }
    long[] counts = new long[BINS];
    long[][] grid = new long[GRADIENTS][VALUES];
    for (long n = 0; n < gradients.size(0); n++) {
      double[] row = doubles(gradients.slice(n));
      for (int p = 0; p < row.length; p++) {
        if (!Double.isFinite(row[p])) {
          return null; // the largest magnitude passes NaN by
        }
        counts[bin(row[p], -range, range, BINS)]++;
        grid[bin(row[p], -range, range, GRADIENTS)][bin(values[p], low, high, VALUES)]++;
      }
    }
    return new Histogram(range, counts, low, high, grid);
  }

  /** The bin of a value; the middle one where all values are the same. */
  static int bin(double value, double low, double high, int bins) {
    if (!(high > low)) {
      return bins / 2;
    }
    return Math.min(bins - 1, Math.max(0, (int) ((value - low) / (high - low) * bins)));
  }

  private static double[] doubles(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }

  /** The same without the two-dimensional one. */
  Histogram withoutGrid() {
    return new Histogram(range, counts, low, high, null);
  }
}
