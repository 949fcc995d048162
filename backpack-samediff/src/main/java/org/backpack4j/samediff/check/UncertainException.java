package org.backpack4j.samediff.check;

/**
 * Differences cannot tell a derivative: the function has a kink so near (a {@code relu} at 0, two
 * equal numbers under a maximum) that none of the steps tried is on one side of it, or the numbers
 * are so large that rounding drowns the change.
 */
public final class UncertainException extends ArithmeticException {
  private static final long serialVersionUID = 1;

  /**
   * An uncertain derivative.
   *
   * @param message which entries, what was estimated, and what to do
   */
  public UncertainException(String message) {
    super(message);
  }
}
