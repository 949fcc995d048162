package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossSquaredHinge;

/** {@code LossSquaredHinge}: Σ max(0, 1 − y a)², y ±1. */
final class SquaredHinge implements LossConverter<LossSquaredHinge> {
  @Override
  public void convert(LossSquaredHinge loss, LossContext context) {
    SDVariable a = context.output();
    SDVariable margin = context.sd().nn().relu(context.labels().mul(a).rsub(1), 0);
    context.writtenOut(margin.mul(margin), a, 1, null);
  }
}
