package org.backpack4j.samediff.check;

import java.util.Arrays;

/**
 * Per-sample gradients and Gauss-Newton diagonals from explicit matrices, in plain loops.
 *
 * @param jacobian ∂zₙₖ/∂θᵢ, [N][K][P]; P runs through all parameters in their order
 * @param lossGradient ∂L/∂zₙₖ, [N][K]
 * @param lossHessian ∂²L/∂zₙₖ∂zₙₗ, [N][K][K]
 */
record ClosedForm(double[][][] jacobian, double[][] lossGradient, double[][][] lossHessian) {

  /** The derivative of sample n's part of the loss in parameter entry i. */
  double gradient(int n, int i) {
    double sum = 0;
    for (int k = 0; k < lossGradient[n].length; k++) {
      sum += lossGradient[n][k] * jacobian[n][k][i];
    }
    return sum;
  }

  /** Sample n's part of the Gauss-Newton diagonal at parameter entry i. */
  double ggn(int n, int i) {
    double sum = 0;
    for (int k = 0; k < lossGradient[n].length; k++) {
      for (int l = 0; l < lossGradient[n].length; l++) {
        sum += jacobian[n][k][i] * lossHessian[n][k][l] * jacobian[n][l][i];
      }
    }
    return sum;
  }

  /** {@link #gradient} for all samples. */
  double[] gradients(int i) {
    double[] gradients = new double[samples()];
    Arrays.setAll(gradients, n -> gradient(n, i));
    return gradients;
  }

  /** {@link #ggn} for all samples. */
  double[] ggns(int i) {
    double[] ggns = new double[samples()];
    Arrays.setAll(ggns, n -> ggn(n, i));
    return ggns;
  }

  int samples() {
    return jacobian.length;
  }

  int parameters() {
    return jacobian[0][0].length;
  }
}
