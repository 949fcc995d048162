package org.backpack4j.samediff.privacy;

/** How much noise keeps a training within its budget. */
public final class NoiseMultiplier {
  /** Least noise that is accounted for. */
  static final double LEAST = 1e-4;

  /** Most noise that is accounted for. */
  static final double MOST = 1e6;

  private static final double TOLERANCE = 1e-3;

  private NoiseMultiplier() {}

  /**
   * The least noise multiplier σ, up to the tolerance, that keeps a training within (ε, δ): the
   * accountant's upper bound is not above the target, and not below it by more than a thousandth.
   * Found by bracketing and by the secant rule on the logarithms of σ and ε, halved where it is
   * slow, so that few evaluations are needed.
   *
   * @param epsilon the target ε, above 0
   * @param delta δ, between 0 and 1, both excluded
   * @param samplingRate q, above 0 and at most 1
   * @param steps how many steps there will be, at least 1
   * @param accountant whose upper bound is to keep to the target
   * @return σ
   * @throws IllegalArgumentException if an argument is out of its range, if the accountant has no
   *     upper bound, or if no σ from 1e-4 to 1e6 is the answer
   */
  public static double forTarget(
      double epsilon, double delta, double samplingRate, long steps, PrivacyAccountant accountant) {
    Checks.epsilon(epsilon);
    Checks.delta(delta);
    if (epsilon == 0 || !(samplingRate > 0) || steps < 1) {
      throw new IllegalArgumentException(
          "epsilon is %s, samplingRate %s, steps %d: expected an epsilon and a samplingRate above 0"
                  .formatted(epsilon, samplingRate, steps)
              + " and at least one step, or there is nothing that noise could do");
    }
    Search search = new Search(epsilon, delta, samplingRate, steps, accountant);
    return search.answer();
  }

  /** All in logarithms: {@code excess} is that of ε over its target, and falls with that of σ. */
  private record Search(
      double epsilon, double delta, double rate, long steps, PrivacyAccountant accountant) {

    double answer() {
      double high = 0;
      double atHigh = excess(high);
      double low = high;
      double atLow = atHigh;
      while (atHigh > 0) {
        low = high;
        atLow = atHigh;
        high = Math.min(high + Math.log(2), Math.log(MOST));
        atHigh = excess(high);
        if (atHigh > 0 && high >= Math.log(MOST)) {
          throw none("is enough: choose a larger epsilon or fewer steps, or another accountant");
        }
      }
      while (atLow <= 0) {
        high = low;
        atHigh = atLow;
        low = Math.max(low - Math.log(2), Math.log(LEAST));
        atLow = excess(low);
        if (atLow <= 0 && low <= Math.log(LEAST)) {
          throw none("is needed: the target is met with next to none");
        }
      }
      return between(low, atLow, high, atHigh);
    }

    private double between(double from, double atFrom, double to, double atTo) {
      double low = from;
      double atLow = atFrom;
      double high = to;
      double atHigh = atTo;
      boolean halve = false;
      while (atHigh < Math.log1p(-TOLERANCE) && high - low > 1e-12) {
        // A little towards more noise, so that the end within the target moves.
        double aim = atHigh - atLow == 0 ? 0.5 : (atLow + 0.5 * TOLERANCE) / (atLow - atHigh);
        double share = halve || !(aim > 0 && aim < 1) ? 0.5 : aim;
        double width = high - low;
        double middle = low + share * width;
        double atMiddle = excess(middle);
        if (atMiddle > 0) {
          low = middle;
          atLow = atMiddle;
        } else {
          high = middle;
          atHigh = atMiddle;
        }
        halve = high - low > 0.5 * width;
      }
      return sigma(high);
    }

    private double excess(double logarithm) {
      PrivacyLedger ledger = PrivacyLedger.empty().plus(sigma(logarithm), rate, steps);
      double upper = accountant.epsilon(ledger, delta).upper();
      if (Double.isInfinite(upper)) {
        throw new IllegalArgumentException(
            "accountant is an approximation without an upper bound, expected one that has one:"
                + " PrivacyAccountant.prv() or rdp()");
      }
      return Math.log(upper / epsilon);
    }

    private static double sigma(double logarithm) {
      return Math.min(MOST, Math.max(LEAST, Math.exp(logarithm)));
    }

    private IllegalArgumentException none(String why) {
      return new IllegalArgumentException(
          "No noiseMultiplier from %s to %s for epsilon %s, delta %s, samplingRate %s, steps %d %s"
              .formatted(LEAST, MOST, epsilon, delta, rate, steps, why));
    }
  }
}
