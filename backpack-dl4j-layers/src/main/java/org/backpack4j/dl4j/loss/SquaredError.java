package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.linalg.lossfunctions.impl.LossL2;

/** {@code LossL2}, Σ w (y − a)², and {@code LossMSE}, the same divided by the number of columns. */
final class SquaredError implements LossConverter<LossL2> {
  private final boolean mean;

  SquaredError(boolean mean) {
    this.mean = mean;
  }

  @Override
  public void convert(LossL2 loss, LossSite site) {
    site.byValue(
        (sd, name, labels, predictions, weights, reduce) ->
            sd.loss().meanSquaredError(name, labels, predictions, weights, reduce),
        site.labels(),
        site.output(),
        mean ? 1.0 / site.columns() : 1,
        loss.getWeights());
  }
}
