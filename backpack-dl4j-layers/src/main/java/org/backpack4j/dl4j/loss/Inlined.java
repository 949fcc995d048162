package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.SameDiffLoss;

/** {@code SameDiffLoss}: what it defines, a score for each row, is defined in our graph. */
final class Inlined implements LossConverter<SameDiffLoss> {
  @Override
  public void convert(SameDiffLoss loss, LossSite site) {
    if (site.masksValues()) {
      throw site.refuse("its loss has no terms for single outputs", "mask whole rows");
    }
    SDVariable output = site.output();
    SDVariable scores = loss.defineLoss(site.sd(), output, site.labels());
    site.writtenOutByRow(site.sd().reshape(scores, -1), output);
  }
}
