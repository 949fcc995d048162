package org.backpack4j.samediff.internal.contribution;

import java.util.List;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Contributions to different entries of one parameter, such as the slices that are the weights of a
 * network's two directions: no entry has two, so that squares have no mixed terms, and each part
 * can take its own cheapest way.
 */
record DisjointSum(List<ParameterVjp> parts) implements Composite {
  @Override
  public Tensor weightedSum(Tensor weights) {
    return total(part -> part.weightedSum(weights));
  }

  @Override
  public Tensor squaredPerSample() {
    return total(ParameterVjp::squaredPerSample);
  }

  @Override
  public Tensor squaredSum() {
    return total(ParameterVjp::squaredSum);
  }

  @Override
  public Tensor squaredNorm() {
    return total(ParameterVjp::squaredNorm);
  }

  @Override
  public Tensor variance() {
    return total(ParameterVjp::variance);
  }
}
