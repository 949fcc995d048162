package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossPoisson;

/** {@code LossPoisson}: Σ a − y log a. */
final class Poisson implements LossConverter<LossPoisson> {
  @Override
  public void convert(LossPoisson loss, LossContext context) {
    SDVariable a = context.output();
    context.writtenOut(a.sub(context.labels().mul(context.sd().math().log(a))), a, 1, null);
  }
}
