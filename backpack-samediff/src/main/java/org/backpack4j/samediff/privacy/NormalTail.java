package org.backpack4j.samediff.privacy;

/**
 * Tails of the normal distribution to full relative precision.
 *
 * <p>The scaled complementary error function erfcx(x) = e^{x²} erfc(x), for x ≥ 0, is expanded in
 * Chebyshev polynomials of (x − 3.75) / (x + 3.75) after multiplication by 1 + 2x (Shepherd and
 * Laframboise, 1981, "Chebyshev approximation of (1 + 2x) exp(x²) erfc x"). The coefficients are
 * computed once, from a series of positive terms for small x and a continued fraction for others.
 */
final class NormalTail {
  private static final double CENTRE = 3.75;
  private static final double[] COEFFICIENTS = coefficients(64, 36);

  private NormalTail() {}

  /** The probability of a standard normal number above x. */
  static double above(double x) {
    if (x < 0) {
      return 1 - above(-x);
    }
    return x > 40 ? 0 : 0.5 * erfcx(x / Math.sqrt(2)) * Math.exp(-0.5 * x * x);
  }

  /** e^{x²} erfc(x) for x ≥ 0. */
  static double erfcx(double x) {
    double y = Double.isInfinite(x) ? 1 : (x - CENTRE) / (x + CENTRE);
    double b1 = 0;
    double b2 = 0;
    for (int k = COEFFICIENTS.length - 1; k > 0; k--) {
      double b = 2 * y * b1 - b2 + COEFFICIENTS[k];
      b2 = b1;
      b1 = b;
    }
    return (y * b1 - b2 + COEFFICIENTS[0]) / (1 + 2 * x);
  }

  private static double[] coefficients(int points, int kept) {
    double[] coefficients = new double[kept];
    for (int i = 0; i < points; i++) {
      double angle = Math.PI * (i + 0.5) / points;
      double x = CENTRE * (1 + Math.cos(angle)) / (1 - Math.cos(angle));
      double value = (1 + 2 * x) * (x < 0.5 ? bySeries(x) : byFraction(x));
      for (int k = 0; k < kept; k++) {
        coefficients[k] += (k == 0 ? 1.0 : 2.0) / points * value * Math.cos(k * angle);
      }
    }
    return coefficients;
  }

  /** e^{x²} − 2/√π Σ 2ⁿ x^{2n+1} / (2n+1)!!. */
  private static double bySeries(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; term > 1e-18 * sum; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return Math.exp(x * x) - 2 / Math.sqrt(Math.PI) * sum;
  }

  /** 1/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))). */
  private static double byFraction(double x) {
    double rest = x;
    for (int n = 2000; n > 0; n--) {
      rest = x + 0.5 * n / rest;
    }
    return 1 / (Math.sqrt(Math.PI) * rest);
  }
}
