package org.backpack4j.samediff.internal.contribution;

import java.util.Optional;
import java.util.function.Supplier;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Factors;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A VJP that is computed as one outer product and factored as another: a transposed convolution's
 * is cheapest with its cotangents unfolded, while its factors are of cotangents and inputs.
 *
 * @param inner how it is computed
 * @param made how it is factored; answers nothing where that is not known
 */
public record OtherFactors(ParameterVjp inner, Supplier<Optional<Factors>> made)
    implements ParameterVjp {
  @Override
  public Emitter emit() {
    return inner.emit();
  }

  @Override
  public @Nullable Tensor signs() {
    return inner.signs();
  }

  @Override
  public Dim samples() {
    return inner.samples();
  }

  @Override
  public Tensor perSample() {
    return inner.perSample();
  }

  @Override
  public Tensor sum() {
    return inner.sum();
  }

  @Override
  public Tensor weightedSum(Tensor weights) {
    return inner.weightedSum(weights);
  }

  @Override
  public Tensor squaredPerSample() {
    return inner.squaredPerSample();
  }

  @Override
  public Tensor squaredSum() {
    return inner.squaredSum();
  }

  @Override
  public Tensor squaredNorm() {
    return inner.squaredNorm();
  }

  @Override
  public Tensor variance() {
    return inner.variance();
  }

  @Override
  public Optional<Factors> factors() {
    return made.get();
  }
}
