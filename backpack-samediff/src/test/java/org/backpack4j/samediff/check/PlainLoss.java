package org.backpack4j.samediff.check;

/** Gradients and Hessians of losses in the predictions, in plain loops. */
final class PlainLoss {
  private PlainLoss() {}

  static double[] softmax(double[] z) {
    double[] p = new double[z.length];
    double sum = 0;
    for (int k = 0; k < z.length; k++) {
      p[k] = Math.exp(z[k]);
      sum += p[k];
    }
    for (int k = 0; k < z.length; k++) {
      p[k] /= sum;
    }
    return p;
  }

  /** factorₙ (p − y) and factorₙ (diag p − p pᵀ). */
  static ClosedForm crossEntropy(
      double[][][] jacobian, double[][] z, double[][] labels, double[] factor) {
    int samples = z.length;
    int classes = z[0].length;
    double[][] gradient = new double[samples][classes];
    double[][][] hessian = new double[samples][classes][classes];
    for (int n = 0; n < samples; n++) {
      double[] p = softmax(z[n]);
      for (int k = 0; k < classes; k++) {
        gradient[n][k] = factor[n] * (p[k] - labels[n][k]);
        for (int l = 0; l < classes; l++) {
          hessian[n][k][l] = factor[n] * ((k == l ? p[k] : 0) - p[k] * p[l]);
        }
      }
    }
    return new ClosedForm(jacobian, gradient, hessian);
  }

  /** factor · Σ (z − y)². */
  static ClosedForm squaredError(
      double[][][] jacobian, double[][] z, double[][] labels, double factor) {
    double[][] gradient = new double[z.length][z[0].length];
    double[][][] hessian = new double[z.length][z[0].length][z[0].length];
    for (int n = 0; n < z.length; n++) {
      for (int k = 0; k < z[n].length; k++) {
        gradient[n][k] = 2 * factor * (z[n][k] - labels[n][k]);
        hessian[n][k][k] = 2 * factor;
      }
    }
    return new ClosedForm(jacobian, gradient, hessian);
  }

  /** factor · Σ (log(1 + exp z) − y z). */
  static ClosedForm sigmoidCrossEntropy(
      double[][][] jacobian, double[][] z, double[][] labels, double factor) {
    double[][] gradient = new double[z.length][z[0].length];
    double[][][] hessian = new double[z.length][z[0].length][z[0].length];
    for (int n = 0; n < z.length; n++) {
      for (int k = 0; k < z[n].length; k++) {
        double p = 1 / (1 + Math.exp(-z[n][k]));
        gradient[n][k] = factor * (p - labels[n][k]);
        hessian[n][k][k] = factor * p * (1 - p);
      }
    }
    return new ClosedForm(jacobian, gradient, hessian);
  }
}
