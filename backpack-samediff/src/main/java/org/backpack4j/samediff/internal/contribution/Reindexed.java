package org.backpack4j.samediff.internal.contribution;

import java.util.Optional;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Factors;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.View;
import org.jspecify.annotations.Nullable;

/** A contribution to a parameter that passes a view before its op. Only results are rearranged. */
public record Reindexed(ParameterVjp inner, View view) implements ParameterVjp {
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
    return view.undo(inner.perSample(), 2);
  }

  @Override
  public Tensor sum() {
    return view.undo(inner.sum(), 1);
  }

  @Override
  public Tensor weightedSum(Tensor weights) {
    return view.undo(inner.weightedSum(weights), 1);
  }

  @Override
  public Tensor squaredPerSample() {
    return view.undo(inner.squaredPerSample(), 1);
  }

  @Override
  public Tensor squaredSum() {
    return view.undo(inner.squaredSum(), 0);
  }

  @Override
  public Tensor squaredNorm() {
    return inner.squaredNorm();
  }

  @Override
  public Optional<Factors> factors() {
    return inner.factors().map(factors -> factors.through(view));
  }

  @Override
  public Tensor variance() {
    return view.undo(inner.variance(), 0);
  }
}
