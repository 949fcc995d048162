package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMax;
import org.nd4j.linalg.lossfunctions.impl.LossCosineProximity;

/**
 * {@code LossCosineProximity}: −Σ y a / (max(‖y‖, ε) max(‖a‖, ε)), the norms over rows, ε = 1e-5.
 */
final class CosineProximity implements LossConverter<LossCosineProximity> {
  private static final double SMALL = 1e-5;

  @Override
  public void convert(LossCosineProximity loss, LossContext context) {
    if (context.masksValues()) {
      throw context.refuse("DL4J has no mask of single outputs for it", "mask whole rows");
    }
    SDVariable a = context.output();
    SDVariable y = context.labels();
    SDVariable terms = y.mul(a).div(norm(y)).div(norm(a)).neg();
    context.writtenOut(terms, a, 1, null);
  }

  private static SDVariable norm(SDVariable rows) {
    SDVariable norm = rows.norm2(true, 1);
    return new ScalarMax(rows.getSameDiff(), norm, SMALL).outputVariable();
  }
}
