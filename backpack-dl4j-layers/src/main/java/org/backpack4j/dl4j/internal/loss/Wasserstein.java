package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossWasserstein;

/** {@code LossWasserstein}: 1/C Σ y a. */
final class Wasserstein implements LossConverter<LossWasserstein> {
  @Override
  public void convert(LossWasserstein loss, LossContext context) {
    SDVariable a = context.output();
    context.writtenOut(context.labels().mul(a), a, 1.0 / context.columns(), null);
  }
}
