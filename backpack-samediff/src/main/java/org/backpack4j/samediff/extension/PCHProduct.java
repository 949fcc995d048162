package org.backpack4j.samediff.extension;

import java.io.Serializable;

/**
 * Products of the positive-curvature Hessian with vectors, {@code pch_vector_product} (Dangel,
 * Harmeling and Hennig, 2020, "Modular block-diagonal curvature approximations for feedforward
 * architectures"): the Hessian's block of each parameter is the generalised Gauss-Newton matrix'
 * and a part for each op that is not linear; where such a part is negative, it is left out or taken
 * with the opposite sign, entry by entry of an elementwise function, column by column of other ops.
 * So the product has no negative curvature.
 *
 * <p>The vectors are fed, as {@link GGNProduct}'s are. Blocks are what the paper defines: the
 * product of one parameter's block is that with vectors that are zero for all others, as are those
 * of parameters that are not asked for ({@code BackPack.on(sd).parameters("w")}).
 *
 * <p>BackPACK 1.7.1's own {@code PCHMP} multiplies with the gradient twice: its signs are those of
 * the function's second derivative alone, and its numbers others for sigmoid and tanh.
 */
public final class PCHProduct implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** What becomes of negative curvature. */
  public enum Modification {
    /** It is left out. */
    CLIP,
    /** It is taken as positive. */
    ABS
  }

  /** One vector, and negative curvature left out. */
  public PCHProduct() {
    this(Modification.CLIP);
  }

  /**
   * One vector.
   *
   * @param modification what becomes of negative curvature
   */
  public PCHProduct(Modification modification) {
    this.columns = new Columns(kind(modification), 0, 0);
  }

  /**
   * Several vectors at once.
   *
   * @param modification what becomes of negative curvature
   * @param vectors how many, at least one
   * @throws IllegalArgumentException if there is not at least one
   */
  public PCHProduct(Modification modification, int vectors) {
    this.columns = new Columns(kind(modification), Columns.several(vectors), 0);
  }

  private static Columns.Kind kind(Modification modification) {
    return modification == Modification.CLIP
        ? Columns.Kind.CLIPPED_VECTORS
        : Columns.Kind.ABSOLUTE_VECTORS;
  }

  @Override
  public String field() {
    return "pch_vector_product";
  }

  @Override
  public Columns columns() {
    return columns;
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(1);
  }
}
