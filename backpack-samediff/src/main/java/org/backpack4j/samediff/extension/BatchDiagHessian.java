package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Every sample's part of the diagonal of the Hessian, {@code diag_h_batch} [N, P…]: ∂²ℓₙ/∂θ². The
 * parts add up to {@link DiagHessian}'s diagonal.
 */
public final class BatchDiagHessian implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** Every sample's exact diagonal of the Hessian. */
  public BatchDiagHessian() {}

  @Override
  public String field() {
    return "diag_h_batch";
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(1);
  }

  @Override
  public Columns columns() {
    return Columns.HESSIAN;
  }

  @Override
  public boolean additive() {
    return true;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return contributions.stream()
        .map(ParameterVjp::squaredPerSample)
        .reduce(emit::add)
        .orElseThrow();
  }
}
