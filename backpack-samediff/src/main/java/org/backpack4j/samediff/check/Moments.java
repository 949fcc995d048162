package org.backpack4j.samediff.check;

import java.util.Arrays;

/** What BackPACK derives from the gradients g₁ … g_N of all samples at one entry. */
final class Moments {
  private Moments() {}

  /** Σₙ gₙ². */
  static Estimate sumOfSquares(Estimate gradients) {
    double sum = Arrays.stream(gradients.values()).map(g -> g * g).sum();
    return Estimate.of(sum, errorOfSquares(gradients));
  }

  /** Σₙ gₙ² / N − (Σₙ gₙ / N)². */
  static Estimate variance(Estimate gradients) {
    double[] values = gradients.values();
    double mean = Arrays.stream(values).average().orElse(0);
    double variance = Arrays.stream(values).map(g -> (g - mean) * (g - mean)).average().orElse(0);
    double error = 2 * errorOfSquares(gradients) / values.length;
    return Estimate.of(variance, error);
  }

  private static double errorOfSquares(Estimate gradients) {
    double error = 0;
    for (int n = 0; n < gradients.values().length; n++) {
      double own = gradients.errors()[n];
      error += (2 * Math.abs(gradients.values()[n]) + own) * own;
    }
    return error;
  }
}
