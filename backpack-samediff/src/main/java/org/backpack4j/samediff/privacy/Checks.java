package org.backpack4j.samediff.privacy;

/** Ranges of what is asked. */
final class Checks {
  private Checks() {}

  static void delta(double delta) {
    if (!(delta > 0 && delta < 1)) {
      throw new IllegalArgumentException(
          "delta is %s, expected a number between 0 and 1, both excluded".formatted(delta));
    }
  }

  static void epsilon(double epsilon) {
    if (!(epsilon >= 0 && epsilon < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "epsilon is %s, expected a finite number that is not negative".formatted(epsilon));
    }
  }
}
