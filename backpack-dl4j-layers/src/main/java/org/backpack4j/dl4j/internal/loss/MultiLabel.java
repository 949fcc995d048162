package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.lossfunctions.impl.LossMultiLabel;

/**
 * {@code LossMultiLabel}: for each row the average of exp(aⱼ − aᵢ) over all pairs of a positive
 * label i and a negative label j (y = 0); zero where all labels are positive, or all negative.
 */
final class MultiLabel implements LossConverter<LossMultiLabel> {
  @Override
  public void convert(LossMultiLabel loss, LossContext context) {
    if (context.masksValues()) {
      throw context.refuse(
          "DL4J masks the gradient of single outputs otherwise than their score",
          "mask whole rows");
    }
    SameDiff sd = context.sd();
    long columns = context.columns();
    SDVariable a = context.output();
    SDVariable positive = context.labels();
    SDVariable negative = positive.eq(0).castTo(positive.dataType());
    SDVariable pairs = positive.sum(true, 1).mul(negative.sum(true, 1));
    SDVariable share = positive.div(pairs.add(pairs.eq(0).castTo(positive.dataType())));
    // [N·R, i, j]
    SDVariable differences = sd.reshape(a, -1, 1, columns).sub(sd.reshape(a, -1, columns, 1));
    SDVariable chosen = sd.reshape(share, -1, columns, 1).mul(sd.reshape(negative, -1, 1, columns));
    context.writtenOutByRow(sd.math().exp(differences).mul(chosen).sum(1, 2), a);
  }
}
