package org.backpack4j.samediff.check;

import java.util.Arrays;

/** Numbers with an estimate of the error of each. */
final class Estimate {
  private final double[] values;
  private final double[] errors;

  /**
   * An estimate.
   *
   * @param values the numbers
   * @param errors how far each may be from the truth; infinite if nothing is known of it
   */
  Estimate(double[] values, double[] errors) {
    this.values = values;
    this.errors = errors;
  }

  /** The numbers. */
  double[] values() {
    return values;
  }

  /** How far each number may be from the truth. */
  double[] errors() {
    return errors;
  }

  /** The estimate of {@code length} numbers of which nothing is known. */
  static Estimate unknown(int length) {
    double[] values = new double[length];
    double[] errors = new double[length];
    Arrays.fill(values, Double.NaN);
    Arrays.fill(errors, Double.POSITIVE_INFINITY);
    return new Estimate(values, errors);
  }

  /** The estimate of {@code length} numbers that are known to be 0. */
  static Estimate zeros(int length) {
    return new Estimate(new double[length], new double[length]);
  }

  /** A single number. */
  static Estimate of(double value, double error) {
    return new Estimate(new double[] {value}, new double[] {error});
  }

  /** For each number the one of the smaller error. */
  Estimate best(Estimate other) {
    double[] bestValues = values.clone();
    double[] bestErrors = errors.clone();
    for (int k = 0; k < bestValues.length; k++) {
      if (other.errors[k] < bestErrors[k]) {
        bestValues[k] = other.values[k];
        bestErrors[k] = other.errors[k];
      }
    }
    return new Estimate(bestValues, bestErrors);
  }

  /** These numbers, then others. */
  Estimate then(Estimate more) {
    return new Estimate(join(values, more.values), join(errors, more.errors));
  }

  private static double[] join(double[] first, double[] second) {
    double[] joined = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, joined, first.length, second.length);
    return joined;
  }

  /** One of the numbers. */
  Estimate pick(int k) {
    return of(values[k], errors[k]);
  }

  /** Puts a single number into the place of another. */
  void set(int k, Estimate single) {
    values[k] = single.values[0];
    errors[k] = single.errors[0];
  }

  /** Whether no error is larger than {@code tolerance} times the largest number. */
  boolean isWithin(double tolerance) {
    return maxError() <= tolerance * maxAbs(values);
  }

  double maxError() {
    return maxAbs(errors);
  }

  /** The largest absolute value; 0 for no values, NaN if one is NaN. */
  static double maxAbs(double[] values) {
    double max = 0;
    for (double value : values) {
      max = Math.max(max, Math.abs(value));
    }
    return max;
  }
}
