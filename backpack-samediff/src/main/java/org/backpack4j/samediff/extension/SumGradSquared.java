package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.internal.contribution.Contributions;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The sum of squared gradients, {@code sum_grad_squared} [P…]: Σₙ (∂ℓₙ/∂θ)², entry by entry, of
 * {@link BatchGrad}'s rows; N times the second moment of the gradient noise, and, with a mean loss,
 * 1/N² of what the samples' own losses would give.
 */
public final class SumGradSquared implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The sum of squared gradients. */
  public SumGradSquared() {}

  @Override
  public String field() {
    return "sum_grad_squared";
  }

  @Override
  public Combination combination(String result) {
    return Combination.sum(2);
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return Contributions.sum(contributions).squaredSum();
  }
}
