package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.linalg.lossfunctions.impl.LossHinge;

/** {@code LossHinge}: Σ max(0, 1 − y a), y ±1. */
final class Hinge implements LossConverter<LossHinge> {
  @Override
  public void convert(LossHinge loss, LossSite site) {
    site.byValue(
        (sd, name, labels, predictions, weights, reduce) ->
            sd.loss().hingeLoss(name, labels, predictions, weights, reduce),
        site.labels().add(1).mul(0.5), // SameDiff's labels are 0 and 1
        site.output(),
        1,
        null);
  }
}
