package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossMSLE;

/** {@code LossMSLE}: 1/C Σ w (log((1 + a) / (1 + y)))². */
final class LogarithmicError implements LossConverter<LossMSLE> {
  @Override
  public void convert(LossMSLE loss, LossSite site) {
    SDVariable a = site.output();
    SDVariable d = site.sd().math().log(a.add(1)).sub(site.sd().math().log(site.labels().add(1)));
    site.writtenOut(d.mul(d), a, 1.0 / site.columns(), loss.getWeights());
  }
}
