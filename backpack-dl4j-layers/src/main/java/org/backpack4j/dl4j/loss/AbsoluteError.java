package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.linalg.lossfunctions.impl.LossL1;

/** {@code LossL1}, Σ w |y − a|, and {@code LossMAE}, the same divided by the number of columns. */
final class AbsoluteError implements LossConverter<LossL1> {
  private final boolean mean;

  AbsoluteError(boolean mean) {
    this.mean = mean;
  }

  @Override
  public void convert(LossL1 loss, LossSite site) {
    site.byValue(
        (sd, name, labels, predictions, weights, reduce) ->
            sd.loss().absoluteDifference(name, labels, predictions, weights, reduce),
        site.labels(),
        site.output(),
        mean ? 1.0 / site.columns() : 1,
        loss.getWeights());
  }
}
