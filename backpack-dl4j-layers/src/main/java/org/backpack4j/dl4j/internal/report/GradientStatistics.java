package org.backpack4j.dl4j.internal.report;

/**
 * What a batch tells of the noise in its gradient ḡ = 1/b Σₙ gₙ, from the squared norms ‖gₙ‖² of
 * the samples' gradients and their inner products gₙᵀḡ.
 *
 * @param samples b
 * @param squaredNorm ‖ḡ‖²
 * @param squaredNorms Σₙ ‖gₙ‖²
 * @param squaredProducts Σₙ (gₙᵀḡ)²
 */
public record GradientStatistics(
    long samples, double squaredNorm, double squaredNorms, double squaredProducts) {

  static GradientStatistics of(double[] norms, double[] products, double squaredNorm) {
    double sum = 0;
    double squares = 0;
    for (double norm : norms) {
      sum += norm;
    }
    for (double product : products) {
      squares += product * product;
    }
    return new GradientStatistics(norms.length, squaredNorm, sum, squares);
  }

  /**
   * The smallest θ that passes the norm test: the standard error of ḡ over its norm (Byrd, Chin,
   * Nocedal and Wu, 2012).
   */
  double normTest() {
    return root((squaredNorms - samples * squaredNorm) / squaredNorm);
  }

  /**
   * The same of the inner-product test, the standard error along ḡ (Bollapragada, Byrd and Nocedal,
   * 2018).
   */
  double innerProductTest() {
    double fourth = squaredNorm * squaredNorm;
    return root((squaredProducts - samples * fourth) / fourth);
  }

  /** The same of the orthogonality test, the standard error across ḡ. */
  double orthogonalityTest() {
    return root((squaredNorms - squaredProducts / squaredNorm) / squaredNorm);
  }

  /** √(x/(b (b − 1))); NaN of one sample. */
  private double root(double x) {
    return samples < 2 ? Double.NaN : Math.sqrt(Math.max(x, 0) / (samples * (samples - 1.0)));
  }

  /** tr Σ, the variance of a sample's gradient, without bias; NaN of one sample. */
  double traceOfCovariance() {
    return samples < 2
        ? Double.NaN
        : Math.max(squaredNorms - samples * squaredNorm, 0) / (samples - 1.0);
  }

  /** ‖E g‖² without bias, which may be negative where the batch is all noise. */
  double squaredMean() {
    return squaredNorm - traceOfCovariance() / samples;
  }
}
