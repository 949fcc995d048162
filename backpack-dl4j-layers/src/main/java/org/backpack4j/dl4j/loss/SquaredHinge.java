package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossSquaredHinge;

/** {@code LossSquaredHinge}: Σ max(0, 1 − y a)², y ±1. */
final class SquaredHinge implements LossConverter<LossSquaredHinge> {
  @Override
  public void convert(LossSquaredHinge loss, LossSite site) {
    SDVariable a = site.output();
    SDVariable margin = site.sd().nn().relu(site.labels().mul(a).rsub(1), 0);
    site.writtenOut(margin.mul(margin), a, 1, null);
  }
}
