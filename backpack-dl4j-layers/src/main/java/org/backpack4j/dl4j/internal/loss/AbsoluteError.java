package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.linalg.lossfunctions.impl.LossL1;

/** {@code LossL1}, Σ w |y − a|, and {@code LossMAE}, the same divided by the number of columns. */
final class AbsoluteError implements LossConverter<LossL1> {
  private final boolean mean;

  AbsoluteError(boolean mean) {
    this.mean = mean;
  }

  @Override
  public void convert(LossL1 loss, LossContext context) {
    context.byValue(
        (sd, name, labels, predictions, weights, reduce) ->
            sd.loss().absoluteDifference(name, labels, predictions, weights, reduce),
        context.labels(),
        context.output(),
        mean ? 1.0 / context.columns() : 1,
        loss.getWeights());
  }
}
