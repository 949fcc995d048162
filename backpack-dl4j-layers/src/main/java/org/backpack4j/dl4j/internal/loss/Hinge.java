package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.linalg.lossfunctions.impl.LossHinge;

/** {@code LossHinge}: Σ max(0, 1 − y a), y ±1. */
final class Hinge implements LossConverter<LossHinge> {
  @Override
  public void convert(LossHinge loss, LossContext context) {
    context.byValue(
        (sd, name, labels, predictions, weights, reduce) ->
            sd.loss().hingeLoss(name, labels, predictions, weights, reduce),
        context.labels().add(1).mul(0.5), // SameDiff's labels are 0 and 1
        context.output(),
        1,
        null);
  }
}
