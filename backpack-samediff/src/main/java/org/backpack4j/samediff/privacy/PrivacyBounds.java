package org.backpack4j.samediff.privacy;

/**
 * What an accountant knows of an ε or a δ: the true number is not below {@code lower} and not above
 * {@code upper}. Promise {@code upper}, and nothing else.
 *
 * @param lower what the number is at least, 0 where the accountant says nothing
 * @param estimate where the number probably is, between the other two
 * @param upper what the number is at most; infinite where the accountant is an approximation that
 *     guarantees nothing
 */
public record PrivacyBounds(double lower, double estimate, double upper) {
  /** Nothing was spent. */
  static final PrivacyBounds NOTHING = new PrivacyBounds(0, 0, 0);

  /**
   * Bounds, whose order is checked.
   *
   * @param lower what the number is at least
   * @param estimate where the number probably is
   * @param upper what the number is at most
   * @throws IllegalArgumentException unless 0 ≤ lower ≤ estimate ≤ upper
   */
  public PrivacyBounds {
    if (!(0 <= lower && lower <= estimate && estimate <= upper)) {
      throw new IllegalArgumentException(
          "Bounds go up from 0: lower %s, estimate %s, upper %s".formatted(lower, estimate, upper));
    }
  }
}
