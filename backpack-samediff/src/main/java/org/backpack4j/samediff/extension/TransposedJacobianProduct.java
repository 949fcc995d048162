package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Products Jᵀ u of the predictions' transposed Jacobian with vectors, {@code vjp}: Σₙ Jₙᵀ uₙ, for
 * each parameter [V, P…]. The vectors are fed: for each prediction there is a placeholder {@code
 * <prediction>.vector} [N, V, F…]. For a single one the placeholder has the prediction's own shape
 * and the results are [P…].
 */
public final class TransposedJacobianProduct implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  private final Columns columns;

  /** One vector: placeholders and results have the predictions' and the parameters' shapes. */
  public TransposedJacobianProduct() {
    this.columns = Columns.cotangents(0);
  }

  /**
   * Several vectors at once.
   *
   * @param vectors how many, at least one
   * @throws IllegalArgumentException if there is not at least one
   */
  public TransposedJacobianProduct(int vectors) {
    this.columns = Columns.cotangents(Columns.several(vectors));
  }

  @Override
  public String field() {
    return "vjp";
  }

  @Override
  public Columns columns() {
    return columns;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    Tensor sum = contributions.stream().map(ParameterVjp::sum).reduce(emit::add).orElseThrow();
    return columns.samples() == 0 ? emit.reshape(sum, sum.dims().without(0)) : sum;
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(0);
  }
}
