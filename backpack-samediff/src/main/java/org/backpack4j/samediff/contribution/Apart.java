package org.backpack4j.samediff.contribution;

import java.util.List;
import java.util.function.Function;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Contributions to different entries of one parameter, such as the slices that are the weights of a
 * network's two directions: no entry has two, so that squares have no mixed terms, and each part
 * can take its own cheapest way.
 */
record Apart(List<Contribution> parts) implements Contribution {
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

  @Override
  public Tensor squaredPerSample() {
    return total(Contribution::squaredPerSample);
  }

  @Override
  public Tensor squaredSum() {
    return total(Contribution::squaredSum);
  }

  @Override
  public Tensor squaredNorm() {
    return total(Contribution::squaredNorm);
  }

  private Tensor total(Function<Contribution, Tensor> part) {
    return parts.stream().map(part).reduce(emit()::add).orElseThrow();
  }
}
