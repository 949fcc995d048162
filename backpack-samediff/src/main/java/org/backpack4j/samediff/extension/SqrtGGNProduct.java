package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Sums of the columns of the generalised Gauss-Newton matrix' exact square root ({@link
 * SqrtGGNExact}) with weights, {@code sqrt_ggn_product} [K, P…]: Σₙᵥ e[n, k, v] U[v, n], with the
 * columns mixed where they start, so that U is never made. With e an eigenvector of the Gram matrix
 * ({@link GramGGN}) the sums over all parameters are an eigenvector of the matrix itself, √λ long
 * (Dangel, Tatzel and Hennig, 2022, "ViViT: Curvature access through the generalized Gauss-Newton's
 * low-rank structure").
 *
 * <p>The weights are fed by the placeholder {@code sqrt_ggn_product.weights} [N, K, V].
 */
public final class SqrtGGNProduct implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The weights' placeholder. */
  public static final String WEIGHTS = Columns.WEIGHTS;

  private final Columns columns;

  /** A single sum. */
  public SqrtGGNProduct() {
    this(1);
  }

  /**
   * Sums with weights.
   *
   * @param sums how many, K
   * @throws IllegalArgumentException if there is not at least one
   */
  public SqrtGGNProduct(int sums) {
    this.columns = Columns.weighted(sums);
  }

  @Override
  public String field() {
    return "sqrt_ggn_product";
  }

  @Override
  public Columns columns() {
    return columns;
  }

  @Override
  public boolean additive() {
    return false;
  }

  @Override
  public boolean unsigned() {
    return true;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return contributions.stream().map(ParameterVjp::sum).reduce(emit::add).orElseThrow();
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(0.5);
  }
}
