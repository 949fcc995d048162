package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossMAPE;

/** {@code LossMAPE}: 100/C Σ w |(y − a) / y|. */
final class PercentageError implements LossConverter<LossMAPE> {
  @Override
  public void convert(LossMAPE loss, LossSite site) {
    SDVariable a = site.output();
    SDVariable y = site.labels();
    SDVariable terms = site.sd().math().abs(y.sub(a).div(y));
    site.writtenOut(terms, a, 100.0 / site.columns(), loss.getWeights());
  }
}
