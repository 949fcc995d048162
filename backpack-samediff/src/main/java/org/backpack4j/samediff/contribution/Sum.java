package org.backpack4j.samediff.contribution;

import java.util.List;
import java.util.function.Function;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The contributions of several uses of a parameter, added up for each sample before anything is
 * squared.
 */
record Sum(List<Contribution> parts) implements Contribution {
  @Override
  public Emitter emit() {
    return parts.get(0).emit();
  }

  @Override
  public @Nullable Tensor signs() {
    return parts.get(0).signs();
  }

  @Override
  public Dim samples() {
    return parts.get(0).samples();
  }

  @Override
  public Tensor perSample() {
    return total(Contribution::perSample);
  }

  @Override
  public Tensor sum() {
    return total(Contribution::sum);
  }

  private Tensor total(Function<Contribution, Tensor> part) {
    return parts.stream().map(part).reduce(emit()::add).orElseThrow();
  }
}
