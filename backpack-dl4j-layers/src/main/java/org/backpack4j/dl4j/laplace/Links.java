package org.backpack4j.dl4j.laplace;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Probabilities of normally distributed logits, in closed form. All arrays are [R, C]. */
final class Links {
  private static final double ROUNDING = 1e-12;

  /** So small a variance is none. */
  private static final double LEAST = 1e-100;

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
    INDArray total = Transforms.max(rowSums.sum(true, 1), LEAST, false); // 1ᵀ Σ 1
    INDArray share = rowSums.divColumnVector(total);
    INDArray means = f.sub(share.mulColumnVector(f.sum(true, 1)));
    // what rounding leaves of a variance that the projection takes away is zero, or below
    INDArray floor = variances.max(true, 1).muli(ROUNDING).addi(LEAST).broadcast(f.shape());
    INDArray spread = Transforms.max(variances.sub(share.mul(rowSums)), floor, false);
    INDArray least = means.min(true, 1);
    INDArray down = Transforms.exp(means.neg().addiColumnVector(least), false); // e^{min − f}
    INDArray sums = Transforms.log(down.sum(true, 1), false).subi(least);
    INDArray exponents = means.addColumnVector(sums); // ln(e^{fₖ} Σⱼ e^{−fⱼ}), 0 or above
    INDArray most = exponents.max(true, 1);
    INDArray alpha =
        Transforms.exp(exponents.subColumnVector(most), false)
            .divi(k * k)
            .addiColumnVector(Transforms.exp(most.neg(), false).muli(1 - 2.0 / k))
            .divi(spread);
    return alpha.divColumnVector(alpha.sum(true, 1));
  }
}
