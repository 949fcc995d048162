package org.backpack4j.samediff.privacy;

/** See {@link PrivacyAccountant#approximateGdp}. */
final class GdpAccountant implements PrivacyAccountant {
  @Override
  public PrivacyBounds epsilon(PrivacyLedger ledger, double delta) {
    Checks.delta(delta);
    double mu = mu(ledger);
    return mu == 0 ? PrivacyBounds.NOTHING : approximately(epsilon(mu, delta));
  }

  @Override
  public PrivacyBounds delta(PrivacyLedger ledger, double epsilon) {
    Checks.epsilon(epsilon);
    double mu = mu(ledger);
    return mu == 0 ? PrivacyBounds.NOTHING : approximately(delta(mu, epsilon));
  }

  private static PrivacyBounds approximately(double value) {
    return new PrivacyBounds(0, value, Double.POSITIVE_INFINITY);
  }

  private static double mu(PrivacyLedger ledger) {
    double square = 0;
    for (SampledGaussian m : ledger.mechanisms()) {
      double one = 1 / (m.sigma() * m.sigma());
      square += m.q() == 1 ? m.steps() * one : m.q() * m.q() * m.steps() * Math.expm1(one);
    }
    if (Double.isInfinite(square)) {
      throw new ArithmeticException(
          "The approximation by Gaussian differential privacy overflows for so little noise,"
              + " expected a noise multiplier above 0.04: use PrivacyAccountant.prv() or rdp()");
    }
    return Math.sqrt(square);
  }

  /**
   * δ(ε) = Φ(−ε/μ + μ/2) − e^ε Φ(−ε/μ − μ/2) (Dong, Roth and Su, 2019, Corollary 2.13), with e^ε
   * drawn into the second tail: the two have the same exponential, and no factor overflows.
   */
  static double delta(double mu, double epsilon) {
    double near = epsilon / mu - mu / 2;
    double far = epsilon / mu + mu / 2;
    double scale = 0.5 * Math.exp(-0.5 * near * near);
    double second = scale * NormalTail.erfcx(far / Math.sqrt(2));
    double first =
        near > 0 ? scale * NormalTail.erfcx(near / Math.sqrt(2)) : NormalTail.above(near);
    return Math.max(0, first - second);
  }

  /** The root of a function that falls, by bisection to the last digits. */
  static double epsilon(double mu, double delta) {
    double low = 0;
    double high = 1;
    while (delta(mu, high) > delta) {
      low = high;
      high *= 2;
    }
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
      double middle = 0.5 * (low + high);
      if (delta(mu, middle) > delta) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return delta(mu, 0) <= delta ? 0 : high;
  }
}
