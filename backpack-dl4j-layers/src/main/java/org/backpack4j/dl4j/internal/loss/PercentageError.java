package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossMAPE;

/** {@code LossMAPE}: 100/C Σ w |(y − a) / y|. */
final class PercentageError implements LossConverter<LossMAPE> {
  @Override
  public void convert(LossMAPE loss, LossContext context) {
    SDVariable a = context.output();
    SDVariable y = context.labels();
    SDVariable terms = context.sd().math().abs(y.sub(a).div(y));
    context.writtenOut(terms, a, 100.0 / context.columns(), loss.getWeights());
  }
}
