package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossMSLE;

/** {@code LossMSLE}: 1/C Σ w (log((1 + a) / (1 + y)))². */
final class LogarithmicError implements LossConverter<LossMSLE> {
  @Override
  public void convert(LossMSLE loss, LossContext context) {
    SDVariable a = context.output();
    SDVariable d =
        context.sd().math().log(a.add(1)).sub(context.sd().math().log(context.labels().add(1)));
    context.writtenOut(d.mul(d), a, 1.0 / context.columns(), loss.getWeights());
  }
}
