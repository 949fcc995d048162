package org.backpack4j.samediff.loss;

import java.util.List;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Tensor;

/** A loss that is no negative log-likelihood: no labels can be drawn from it. */
interface Unsampled extends LossRule {
  @Override
  default List<Curvature> sampled(Site site, Tensor gradient, Tensor noise, int columns) {
    throw new UnsupportedOperationException(name());
  }

  @Override
  default void checkSampling(Site site) {
    throw new Refused(
        name() + " is no negative log-likelihood to draw labels from",
        "ask for the exact quantity");
  }

  @Override
  default long draws(Site site) {
    return 0;
  }
}
