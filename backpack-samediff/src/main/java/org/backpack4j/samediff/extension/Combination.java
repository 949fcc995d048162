package org.backpack4j.samediff.extension;

/**
 * How the results of batches make that of all their samples together, as one batch would give it.
 * With c the factor of the loss in front of its sum over samples (1/N for a mean), a result is of
 * degree p if it is a multiple of cᵖ: a gradient and a curvature are of degree 1, squares of
 * gradients of degree 2.
 *
 * @param kind what is done with the results
 * @param degree the degree p
 * @param reason why they cannot be combined; empty if they can
 */
public record Combination(Kind kind, double degree, String reason) {
  /** What is done with results. */
  public enum Kind {
    /** They are sums over samples, and are added up. */
    SUM,
    /** They are means over samples, and are averaged. */
    MEAN,
    /** They are variances of the rows of a sample's gradient. */
    VARIANCE,
    /** They have a part for each sample, and are handed on, one batch after the other. */
    ROWS,
    /** They cannot be combined. */
    NONE
  }

  /**
   * A sum over samples.
   *
   * @param degree how it grows with the loss's factor: 1 for a curvature
   * @return the combination
   */
  public static Combination sum(double degree) {
    return new Combination(Kind.SUM, degree, "");
  }

  /**
   * A mean over samples that does not depend on the loss's factor, such as a Kronecker factor of
   * inputs.
   *
   * @return the combination
   */
  public static Combination mean() {
    return new Combination(Kind.MEAN, 0, "");
  }

  /**
   * The variance of the samples' gradients, 1/N Σₙ gₙ² − (1/N Σₙ gₙ)².
   *
   * @return the combination
   */
  public static Combination variance() {
    return new Combination(Kind.VARIANCE, 2, "");
  }

  /**
   * A part for each sample.
   *
   * @param degree how it grows with the loss's factor: 1 for a gradient, ½ for the root of a
   *     curvature
   * @return the combination
   */
  public static Combination rows(double degree) {
    return new Combination(Kind.ROWS, degree, "");
  }

  /**
   * Nothing that can be had from batches.
   *
   * @param reason why, a sentence without a full stop
   * @return the combination
   */
  public static Combination none(String reason) {
    return new Combination(Kind.NONE, 0, reason);
  }
}
