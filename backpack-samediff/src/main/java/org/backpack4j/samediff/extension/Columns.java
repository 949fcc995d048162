package org.backpack4j.samediff.extension;

import java.io.Serializable;

/**
 * Which columns a quantity is made of.
 *
 * @param kind the kind
 * @param samples how many columns, for the kinds that draw random numbers, or vectors, for those
 *     that are fed; else 0
 * @param seed the seed of random numbers
 */
public record Columns(Kind kind, int samples, long seed) implements Serializable {
  /** The kinds of columns. */
  public enum Kind {
    /** One column for each sample: the gradient of its part of the loss. */
    GRADIENT,
    /** The columns of an exact square root of the generalised Gauss-Newton matrix. */
    EXACT,
    /**
     * Gradients at labels drawn from the model: their outer products have the generalised
     * Gauss-Newton matrix as their mean.
     */
    SAMPLED,
    /**
     * Sums of the exact columns with random signs: their outer products have the generalised
     * Gauss-Newton matrix as their mean.
     */
    MIXED,
    /** Signed columns of the Hessian: they start at every op that is not linear. */
    HESSIAN,
    /** Sums of the Hessian's columns of one op and sign with random signs. */
    HESSIAN_MIXED,
    /**
     * The rows of a matrix that is averaged over the samples after each op: what {@link KFRA}
     * carries backwards, along a single way.
     */
    AVERAGED,
    /** No columns, but vectors that are fed: products of a matrix with them. */
    VECTORS,
    /** The same, of the Hessian. */
    HESSIAN_VECTORS,
    /** One column for each entry of the predictions, with a one there: the rows of the Jacobian. */
    UNIT,
    /** Vectors at the predictions that are fed. */
    COTANGENTS,
    /** Sums of the exact columns with weights that are fed. */
    WEIGHTED,
    /** No columns, but vectors that are fed, and go forward to the predictions alone. */
    TANGENTS,
    /** Vectors that are fed, of the Hessian without what is negative in it. */
    CLIPPED_VECTORS,
    /** Vectors that are fed, of the Hessian with what is negative in it made positive. */
    ABSOLUTE_VECTORS,
    /** Vectors that are fed, of the second moment of the samples' gradients. */
    FISHER_VECTORS,
    /** A vector that is fed, of the second moment of gradients at labels drawn from the model. */
    SAMPLED_VECTORS;

    /**
     * Whether inputs and activations have quantities of these columns, not parameters alone.
     *
     * @return true where each sample has columns of its own
     */
    public boolean ofVariables() {
      return switch (this) {
        case GRADIENT, EXACT, SAMPLED, MIXED, HESSIAN, HESSIAN_MIXED, UNIT -> true;
        default -> false;
      };
    }

    /**
     * Whether vectors are fed for each parameter.
     *
     * @return true for products of a matrix with them
     */
    public boolean ofVectors() {
      return switch (this) {
        case VECTORS,
            HESSIAN_VECTORS,
            CLIPPED_VECTORS,
            ABSOLUTE_VECTORS,
            FISHER_VECTORS,
            SAMPLED_VECTORS,
            TANGENTS ->
            true;
        default -> false;
      };
    }
  }

  /** The placeholder of the weights of {@link Kind#WEIGHTED} columns, [N, K, V]. */
  public static final String WEIGHTS = "sqrt_ggn_product.weights";

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
    return new Columns(Kind.SAMPLED, checked(samples), seed);
  }

  /** The rows of a matrix that is averaged over the samples after each op. */
  public static final Columns AVERAGED = new Columns(Kind.AVERAGED, 0, 0);

  /**
   * Vectors that are fed.
   *
   * @param count how many for each parameter; 0 for a single one of the parameter's own shape
   * @return the columns
   * @throws IllegalArgumentException if the number is negative
   */
  public static Columns vectors(int count) {
    if (count < 0) {
      throw new IllegalArgumentException("There cannot be " + count + " vectors.");
    }
    return new Columns(Kind.VECTORS, count, 0);
  }

  /**
   * Vectors that are fed, to be multiplied with the Hessian.
   *
   * @param count how many for each parameter; 0 for a single one of the parameter's own shape
   * @return the columns
   * @throws IllegalArgumentException if the number is negative
   */
  public static Columns hessianVectors(int count) {
    return new Columns(Kind.HESSIAN_VECTORS, vectors(count).samples(), 0);
  }

  /** The rows of the predictions' Jacobian. */
  public static final Columns UNIT = new Columns(Kind.UNIT, 0, 0);

  /**
   * Vectors at the predictions that are fed, and go back to the parameters.
   *
   * @param count how many for each prediction; 0 for a single one of the prediction's own shape
   * @return the columns
   * @throws IllegalArgumentException if the number is negative
   */
  public static Columns cotangents(int count) {
    return new Columns(Kind.COTANGENTS, vectors(count).samples(), 0);
  }

  /**
   * Vectors that are fed for each parameter, and go forward to the predictions.
   *
   * @param count how many for each parameter; 0 for a single one of the parameter's own shape
   * @return the columns
   * @throws IllegalArgumentException if the number is negative
   */
  public static Columns tangents(int count) {
    return new Columns(Kind.TANGENTS, vectors(count).samples(), 0);
  }

  /**
   * Sums of the exact columns with weights that are fed.
   *
   * @param count how many sums, at least one
   * @return the columns
   * @throws IllegalArgumentException if there is not at least one
   */
  public static Columns weighted(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("At least one sum is needed, not " + count + ".");
    }
    return new Columns(Kind.WEIGHTED, count, 0);
  }

  /** The Hessian's signed columns. */
  public static final Columns HESSIAN = new Columns(Kind.HESSIAN, 0, 0);

  /**
   * Sums of the exact square root's columns with random signs.
   *
   * @param samples how many sums
   * @param seed the seed of their random numbers
   * @return the columns
   * @throws IllegalArgumentException if there is not at least one
   */
  public static Columns mixed(int samples, long seed) {
    return new Columns(Kind.MIXED, checked(samples), seed);
  }

  /**
   * Sums of the Hessian's columns with random signs: for each op and sign so many.
   *
   * @param samples how many sums
   * @param seed the seed of their random numbers
   * @return the columns
   * @throws IllegalArgumentException if there is not at least one
   */
  public static Columns hessianMixed(int samples, long seed) {
    return new Columns(Kind.HESSIAN_MIXED, checked(samples), seed);
  }

  /** A number of vectors, each with an axis of its own. */
  static int several(int vectors) {
    if (vectors < 1) {
      throw new IllegalArgumentException("At least one vector is needed, not " + vectors + ".");
    }
    return vectors;
  }

  private static int checked(int samples) {
    if (samples < 1) {
      throw new IllegalArgumentException(
          "At least one Monte Carlo sample is needed, not " + samples + ".");
    }
    return samples;
  }

  /**
   * How many vectors are fed for each parameter.
   *
   * @return their number; 0 for a single one of the parameter's own shape
   */
  public int vectorCount() {
    return kind.ofVectors() && kind != Kind.SAMPLED_VECTORS ? samples : 0;
  }

  /**
   * Whether random numbers make the columns.
   *
   * @return true if each evaluation has others
   */
  public boolean random() {
    return switch (kind) {
      case SAMPLED, MIXED, HESSIAN_MIXED, SAMPLED_VECTORS -> true;
      default -> false;
    };
  }

  /**
   * Whether the columns are those of the Hessian, not of the generalised Gauss-Newton matrix.
   *
   * @return true for the Hessian's
   */
  public boolean hessian() {
    return switch (kind) {
      case HESSIAN, HESSIAN_MIXED, HESSIAN_VECTORS, CLIPPED_VECTORS, ABSOLUTE_VECTORS -> true;
      default -> false;
    };
  }

  /**
   * Whether the columns are made of the loss's second derivative.
   *
   * @return false for the gradient, and for those that know of the predictions alone
   */
  public boolean curved() {
    return switch (kind) {
      case GRADIENT, UNIT, COTANGENTS, TANGENTS -> false;
      default -> true;
    };
  }

  /**
   * Whether the columns start at the predictions or behind them, not at the losses.
   *
   * @return true for all but the gradient
   */
  public boolean secondOrder() {
    return kind != Kind.GRADIENT;
  }
}
