package org.backpack4j.dl4j.train;

/** Thrown when a step is to be made for which no privacy is left. The step is not made. */
public final class PrivacyBudgetException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  /** ε spent. */
  private final double epsilon;

  /**
   * An exception.
   *
   * @param message what was spent, and what to do
   * @param epsilon ε spent
   */
  public PrivacyBudgetException(String message, double epsilon) {
    super(message);
    this.epsilon = epsilon;
  }

  /**
   * What was spent.
   *
   * @return ε
   */
  public double epsilon() {
    return epsilon;
  }
}
