package org.backpack4j.samediff.curvature;

/**
 * A number that was estimated by random vectors.
 *
 * @param value the estimate, unbiased unless its maker says otherwise
 * @param standardError its standard error: of many estimates with other seeds some two thirds are
 *     off by less. It is itself an estimate, rough for few vectors; 0 where the number is exact up
 *     to rounding
 * @param products how many products with vectors it took
 */
public record Estimate(double value, double standardError, int products) {
  /** The mean of independent numbers, plus a constant. */
  static Estimate mean(double constant, double[] samples, int products) {
    double mean = 0;
    for (double sample : samples) {
      mean += sample / samples.length;
    }
    double squares = 0;
    for (double sample : samples) {
      squares += (sample - mean) * (sample - mean);
    }
    double variance = squares / (samples.length - 1) / samples.length;
    return new Estimate(constant + mean, Math.sqrt(variance), products);
  }
}
