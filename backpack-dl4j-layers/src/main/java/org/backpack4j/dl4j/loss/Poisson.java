package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossPoisson;

/** {@code LossPoisson}: Σ a − y log a. */
final class Poisson implements LossConverter<LossPoisson> {
  @Override
  public void convert(LossPoisson loss, LossSite site) {
    SDVariable a = site.output();
    site.writtenOut(a.sub(site.labels().mul(site.sd().math().log(a))), a, 1, null);
  }
}
