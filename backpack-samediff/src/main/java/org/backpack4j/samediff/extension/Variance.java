package org.backpack4j.samediff.extension;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.internal.contribution.Contributions;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The variance of the samples' gradients, {@code variance} [P…]: 1/N Σₙ gₙ² − (1/N Σₙ gₙ)² of
 * {@link BatchGrad}'s rows gₙ, entry by entry, without Bessel's correction, as in BackPACK. Of one
 * sample it is zero, and rounding cannot make it negative. Both sums are made in double precision.
 */
public final class Variance implements Extension, Serializable {
  private static final long serialVersionUID = 1L;

  /** The variance of the samples' gradients. */
  public Variance() {}

  @Override
  public String field() {
    return "variance";
  }

  @Override
  public Combination combination(String result) {
    return Combination.variance();
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    return Contributions.sum(contributions).variance();
  }
}
