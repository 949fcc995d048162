package org.backpack4j.samediff.contribution;

import java.util.List;
import org.backpack4j.samediff.graph.Tensor;

/**
 * Contributions to different entries of one parameter, such as the slices that are the weights of a
 * network's two directions: no entry has two, so that squares have no mixed terms, and each part
 * can take its own cheapest way.
 */
record Apart(List<Contribution> parts) implements Parts {
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

  @Override
  public Tensor variance() {
    return total(Contribution::variance);
  }
}
