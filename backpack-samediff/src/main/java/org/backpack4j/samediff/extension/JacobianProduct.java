package org.backpack4j.samediff.extension;

import java.io.Serializable;

/**
 * Products J v of the predictions' Jacobian by all parameters asked for with vectors, by a pass
 * forward alone. The vectors are fed: for each parameter {@code w} there is a placeholder {@code
 * w.vector}. The results are called {@code <prediction>.jvp}: [N, V, F…] for V vectors,
 * placeholders [V, P…]; for a single one the prediction's own shape, placeholders [P…].
 *
 * <p>{@link GGNProduct} and {@link HessianProduct} have the same results beside theirs.
 */
public final class JacobianProduct implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** One vector: placeholders and results have the parameters' and the predictions' shapes. */
  public JacobianProduct() {
    this.columns = Columns.tangents(0);
  }

  /**
   * Several vectors at once.
   *
   * @param vectors how many, at least one
   * @throws IllegalArgumentException if there is not at least one
   */
  public JacobianProduct(int vectors) {
    this.columns = Columns.tangents(Columns.several(vectors));
  }

  @Override
  public String field() {
    return "jvp";
  }

  @Override
  public Columns columns() {
    return columns;
  }

  @Override
  public boolean ofPredictions() {
    return true;
  }
}
