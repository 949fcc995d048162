package org.backpack4j.samediff.extension;

import java.io.Serializable;

/**
 * Products of the Hessian of all parameters asked for with vectors, {@code hessian_vector_product}:
 * Σₙ ∂²ℓₙ/∂θ² v (Pearlmutter, 1994, "Fast exact multiplication by the Hessian"), penalties aside.
 * The vectors are fed, as {@link GGNProduct}'s are: for each parameter {@code w} there is a
 * placeholder {@code w.vector}.
 *
 * <p>With a number V of vectors the placeholders and results are [V, P…], without one [P…].
 */
public final class HessianProduct implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** One vector: placeholders and results have the parameters' shapes. */
  public HessianProduct() {
    this.columns = Columns.hessianVectors(0);
  }

  /**
   * Several vectors at once.
   *
   * @param vectors how many, at least one
   * @throws IllegalArgumentException if there is not at least one
   */
  public HessianProduct(int vectors) {
    this.columns = Columns.hessianVectors(Columns.several(vectors));
  }

  @Override
  public String field() {
    return "hessian_vector_product";
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(1);
  }

  @Override
  public Columns columns() {
    return columns;
  }
}
