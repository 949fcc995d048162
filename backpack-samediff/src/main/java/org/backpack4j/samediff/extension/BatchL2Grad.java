package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.internal.contribution.Contributions;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The squared Euclidean norm of every sample's gradient, {@code batch_l2} [N]: ‖∂ℓₙ/∂θ‖² of {@link
 * BatchGrad}'s rows, without keeping them where that is cheaper (Goodfellow, 2015, "Efficient
 * per-example gradient computations").
 */
public final class BatchL2Grad implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The squared norm of every sample's gradient. */
  public BatchL2Grad() {}

  @Override
  public String field() {
    return "batch_l2";
  }

  @Override
  public Combination combination(String result) {
    return Combination.rows(2);
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return Contributions.sum(contributions).squaredNorm();
  }
}
