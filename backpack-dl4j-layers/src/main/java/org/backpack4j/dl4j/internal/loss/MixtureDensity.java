package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.impl.LossMixtureDensity;

/**
 * {@code LossMixtureDensity}: −log Σₖ αₖ N(y; μₖ, σₖ²), where a row of the output has, for M
 * mixtures and labels [M·R, L], M entries whose softmax is α, M logarithms of σ, and M·L of μ.
 */
final class MixtureDensity implements LossConverter<LossMixtureDensity> {
  @Override
  public long labelColumns(LossMixtureDensity loss, long columns) {
    return loss.getLabelWidth();
  }

  @Override
  public void convert(LossMixtureDensity loss, LossContext context) {
    int mixtures = loss.getNMixtures();
    int width = loss.getLabelWidth();
    if (context.columns() != (long) (width + 2) * mixtures) {
      throw context.refuse(
          "it has %d outputs for %d mixtures and labels of %d"
              .formatted(context.columns(), mixtures, width),
          "let nOut be (labelWidth + 2) · gaussians");
    }
    if (context.masksValues()) {
      throw context.refuse("its loss has no terms for single outputs", "mask whole rows");
    }
    SameDiff sd = context.sd();
    SDVariable a = context.output();
    SDVariable[] parts =
        sd.splitV(a, sd.constant(Nd4j.createFromArray(mixtures, mixtures, mixtures * width)), 3, 1);
    SDVariable share = sd.math().log(sd.nn().softmax(parts[0], 1));
    SDVariable spread = sd.math().exp(parts[1]);
    SDVariable means = sd.reshape(parts[2], -1, mixtures, width);
    SDVariable off = sd.reshape(context.labels(), -1, 1, width).sub(means);
    SDVariable exponent = off.mul(off).sum(2).div(spread.mul(spread)).mul(-0.5);
    double constant = -0.5 * width * Math.log(2 * Math.PI);
    SDVariable terms = share.add(exponent).sub(parts[1].mul(width)).add(constant);
    context.writtenOutByRow(sd.math().logSumExp(terms, 1).neg(), a);
  }
}
