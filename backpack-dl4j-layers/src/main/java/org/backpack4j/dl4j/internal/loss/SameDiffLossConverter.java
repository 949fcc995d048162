package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.SameDiffLoss;

/** {@code SameDiffLoss}: what it defines, a score for each row, is defined in our graph. */
final class SameDiffLossConverter implements LossConverter<SameDiffLoss> {
  @Override
  public void convert(SameDiffLoss loss, LossContext context) {
    if (context.masksValues()) {
      throw context.refuse("its loss has no terms for single outputs", "mask whole rows");
    }
    SDVariable output = context.output();
    SDVariable scores = loss.defineLoss(context.sd(), output, context.labels());
    context.writtenOutByRow(context.sd().reshape(scores, -1), output);
  }
}
