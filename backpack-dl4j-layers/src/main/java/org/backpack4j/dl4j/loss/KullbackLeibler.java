package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
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
  public void convert(LossKLD loss, LossSite site) {
    SDVariable y = site.labels();
    // log 1 where y is 0
    SDVariable safe = y.add(y.eq(0).castTo(y.dataType()));
    SDVariable entropy = y.mul(site.sd().math().log(safe));
    LossSite logits = site.ofSoftmax();
    if (logits != null) {
      LossSite rows = logits.withMaskedLabels();
      CrossEntropy.softmax(rows, rows.labels());
      site.constant(entropy);
    } else {
      SDVariable a = site.output();
      site.writtenOut(entropy.sub(y.mul(site.sd().math().log(a))), a, 1, null);
    }
  }
}
