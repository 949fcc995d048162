package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossWasserstein;

/** {@code LossWasserstein}: 1/C Σ y a. */
final class Wasserstein implements LossConverter<LossWasserstein> {
  @Override
  public void convert(LossWasserstein loss, LossSite site) {
    SDVariable a = site.output();
    site.writtenOut(site.labels().mul(a), a, 1.0 / site.columns(), null);
  }
}
