package org.backpack4j.samediff.extension;

/**
 * Which columns a quantity is made of.
 *
 * @param kind the kind
 * @param samples how many sampled columns, for {@link Kind#SAMPLED}
 * @param seed the seed of their random numbers
 */
public record Columns(Kind kind, int samples, long seed) {
  /** The kinds of columns. */
  public enum Kind {
    /** One column for each sample: the gradient of its part of the loss. */
    GRADIENT,
    /** The columns of an exact square root of the generalised Gauss-Newton matrix. */
    EXACT,
    /** Columns whose outer products have the generalised Gauss-Newton matrix as their mean. */
    SAMPLED
  }

  /** The gradient. */
  public static final Columns GRADIENT = new Columns(Kind.GRADIENT, 0, 0);

  /** The exact square root. */
  public static final Columns EXACT = new Columns(Kind.EXACT, 0, 0);

  /**
   * Sampled columns.
   *
   * @param samples how many, for each input
   * @param seed the seed of their random numbers
   * @return the columns
   * @throws IllegalArgumentException if there is not at least one
   */
  public static Columns sampled(int samples, long seed) {
    if (samples < 1) {
      throw new IllegalArgumentException(
          "At least one Monte Carlo sample is needed, not " + samples + ".");
    }
    return new Columns(Kind.SAMPLED, samples, seed);
  }

  /**
   * Whether the columns are those of a second-order quantity.
   *
   * @return true for all but the gradient
   */
  public boolean secondOrder() {
    return kind != Kind.GRADIENT;
  }
}
