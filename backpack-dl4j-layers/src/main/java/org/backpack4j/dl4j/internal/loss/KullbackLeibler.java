package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.lossfunctions.impl.LossKLD;

/**
 * {@code LossKLD}: Σ y log(y / a).
 *
 * <p>Behind a softmax, second-order quantities start at its argument. DL4J's score clips labels and
 * outputs at 1e-5, its gradient doesn't.
 */
final class KullbackLeibler implements LossConverter<LossKLD> {
  @Override
  public void convert(LossKLD loss, LossContext context) {
    SDVariable y = context.labels();
    // log 1 where y is 0
    SDVariable safe = y.add(y.eq(0).castTo(y.dataType()));
    SDVariable entropy = y.mul(context.sd().math().log(safe));
    LossContext logits = context.ofSoftmax();
    if (logits != null) {
      LossContext rows = logits.withMaskedLabels();
      CrossEntropy.softmax(rows, rows.labels());
      context.constant(entropy);
    } else {
      SDVariable a = context.output();
      context.writtenOut(entropy.sub(y.mul(context.sd().math().log(a))), a, 1, null);
    }
  }
}
