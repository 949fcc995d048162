package org.backpack4j.samediff.extension;

import java.io.Serializable;

/**
 * Products of the generalised Gauss-Newton matrix of all parameters asked for with vectors, {@code
 * ggn_vector_product}: Σₙ Jₙᵀ Hₙ Jₙ v (Schraudolph, 2002, "Fast curvature matrix-vector products
 * for second-order gradient descent"). The vectors are fed: for each parameter {@code w} there is a
 * placeholder {@code w.vector}. Beside the products there is J v, the predictions' derivative along
 * the vector, as {@code <prediction>.jvp} [N, V, F…].
 *
 * <p>With a number V of vectors the placeholders and results are [V, P…], without one [P…]. The
 * parameters are those of the extension: what is left out has the vector zero.
 */
public final class GGNProduct implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** One vector: placeholders and results have the parameters' shapes. */
  public GGNProduct() {
    this.columns = Columns.vectors(0);
  }

  /**
   * Several vectors at once.
   *
   * @param vectors how many, at least one
   * @throws IllegalArgumentException if there is not at least one
   */
  public GGNProduct(int vectors) {
    this.columns = Columns.vectors(Columns.several(vectors));
  }

  @Override
  public String field() {
    return "ggn_vector_product";
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
