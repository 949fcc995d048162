package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.linalg.lossfunctions.impl.LossL2;

/** {@code LossL2}, Σ w (y − a)², and {@code LossMSE}, the same divided by the number of columns. */
final class SquaredError implements LossConverter<LossL2> {
  private final boolean mean;

  SquaredError(boolean mean) {
    this.mean = mean;
  }

  @Override
  public void convert(LossL2 loss, LossContext context) {
    context.byValue(
        (sd, name, labels, predictions, weights, reduce) ->
            sd.loss().meanSquaredError(name, labels, predictions, weights, reduce),
        context.labels(),
        context.output(),
        mean ? 1.0 / context.columns() : 1,
        loss.getWeights());
  }
}
