package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Every sample's part of the exact diagonal of the generalised Gauss-Newton matrix, {@code
 * diag_ggn_exact_batch} [N, P…]: diag(Jₙᵀ Hₙ Jₙ). The parts add up to {@link DiagGGNExact}'s
 * diagonal.
 */
public final class BatchDiagGGNExact implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** Every sample's exact diagonal of the generalised Gauss-Newton matrix. */
  public BatchDiagGGNExact() {}

  @Override
  public String field() {
    return "diag_ggn_exact_batch";
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(1);
  }

  @Override
  public Columns columns() {
    return Columns.EXACT;
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
