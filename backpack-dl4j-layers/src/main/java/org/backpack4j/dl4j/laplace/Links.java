package org.backpack4j.dl4j.laplace;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Probabilities of normally distributed logits, in closed form. All arrays are [R, C]. */
final class Links {
  private Links() {}

  /** f / √(1 + π/8 v): logits whose probabilities are the probit approximation. */
  static INDArray probit(INDArray f, INDArray variances) {
    return f.div(Transforms.sqrt(variances.mul(Math.PI / 8).addi(1), false));
  }

  /**
   * The mean of the Dirichlet distribution of the Laplace bridge.
   *
   * @param rowSums Σ 1, the sums of the covariances' rows
   */
  static INDArray bridge(INDArray f, INDArray variances, INDArray rowSums) {
    long k = f.size(1);
    INDArray total = rowSums.sum(true, 1); // 1ᵀ Σ 1
    INDArray share = rowSums.divColumnVector(total);
    INDArray means = f.sub(share.mulColumnVector(f.sum(true, 1)));
    INDArray spread = variances.sub(share.mul(rowSums));
    INDArray least = means.min(true, 1);
    INDArray up = Transforms.exp(means.subColumnVector(least), false); // e^{f − min}
    INDArray down = Transforms.exp(means.neg().addiColumnVector(least), false); // e^{min − f}
    INDArray alpha =
        up.mulColumnVector(down.sum(true, 1)).divi(k * k).addi(1 - 2.0 / k).divi(spread);
    return alpha.divColumnVector(alpha.sum(true, 1));
  }
}
