package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMax;
import org.nd4j.linalg.lossfunctions.impl.LossCosineProximity;

/**
 * {@code LossCosineProximity}: −Σ y a / (max(‖y‖, ε) max(‖a‖, ε)), the norms over rows, ε = 1e-5.
 */
final class CosineProximity implements LossConverter<LossCosineProximity> {
  private static final double SMALL = 1e-5;

  @Override
  public void convert(LossCosineProximity loss, LossSite site) {
    if (site.masksValues()) {
      throw site.refuse("DL4J has no mask of single outputs for it", "mask whole rows");
    }
    SDVariable a = site.output();
    SDVariable y = site.labels();
    SDVariable terms = y.mul(a).div(norm(y)).div(norm(a)).neg();
    site.writtenOut(terms, a, 1, null);
  }

  private static SDVariable norm(SDVariable rows) {
    SDVariable norm = rows.norm2(true, 1);
    return new ScalarMax(rows.getSameDiff(), norm, SMALL).outputVariable();
  }
}
