package org.backpack4j.dl4j.train;

import org.backpack4j.samediff.curvature.LinearOperator;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The quadratic model of a batch's mean loss about its parameters, M(δ) − M(0) = ḡᵀδ + ½ δᵀ (G + λ)
 * δ, with G the exact generalised Gauss-Newton matrix of the batch (Martens and Grosse, 2015,
 * "Optimizing neural networks with Kronecker-factored approximate curvature", equation 5).
 */
final class QuadraticModel {
  /** A determinant below this share of its largest product is that of parallel directions. */
  private static final double PARALLEL = 1e-12;

  private final LinearOperator ggn;
  private final INDArray gradient;
  private final double damping;

  /**
   * A model.
   *
   * @param ggn G, in whatever precision
   * @param gradient ḡ [D], in the layout of G
   * @param damping λ
   */
  QuadraticModel(LinearOperator ggn, INDArray gradient, double damping) {
    this.ggn = ggn;
    this.gradient = gradient;
    this.damping = damping;
  }

  /**
   * A step.
   *
   * @param first what the first direction is multiplied by
   * @param second what the second direction is multiplied by
   * @param change M(δ) − M(0)
   */
  record Minimum(double first, double second, double change) {}

  /**
   * M(δ) − M(0).
   *
   * @param step δ [D]
   */
  double change(INDArray step) {
    Restricted line = restricted(step.reshape(1, step.length()));
    return line.slopes().getDouble(0) + line.curvatures().getDouble(0) / 2;
  }

  /**
   * The minimum of the model along one direction Δ: α = −ḡᵀΔ / (Δᵀ (G + λ) Δ).
   *
   * @param direction Δ [D]
   */
  Minimum along(INDArray direction) {
    Restricted line = restricted(direction.reshape(1, direction.length()));
    return along(line.slopes().getDouble(0), line.curvatures().getDouble(0));
  }

  private static Minimum along(double slope, double curvature) {
    double rate = curvature > 0 ? -slope / curvature : 0;
    return new Minimum(rate, 0, rate * slope / 2);
  }

  /**
   * The minimum of the model among the sums α Δ + μ δ₀ (section 7): the solution of a system of two
   * equations; along Δ alone where the two are parallel.
   *
   * @param directions Δ and δ₀ as rows [2, D]
   */
  Minimum within(INDArray directions) {
    Restricted plane = restricted(directions);
    double a = plane.curvatures().getDouble(0, 0);
    double b = (plane.curvatures().getDouble(0, 1) + plane.curvatures().getDouble(1, 0)) / 2;
    double c = plane.curvatures().getDouble(1, 1);
    double slope = plane.slopes().getDouble(0);
    double other = plane.slopes().getDouble(1);
    double determinant = a * c - b * b;
    if (!(determinant > PARALLEL * a * c)) {
      return along(slope, a);
    }
    double alpha = (b * other - c * slope) / determinant;
    double mu = (b * slope - a * other) / determinant;
    return new Minimum(alpha, mu, (alpha * slope + mu * other) / 2);
  }

  /**
   * The model on the span of some directions.
   *
   * @param slopes ḡᵀ of each [V, 1]
   * @param curvatures uᵀ (G + λ) v of each two [V, V]
   */
  private record Restricted(INDArray slopes, INDArray curvatures) {}

  private Restricted restricted(INDArray directions) {
    INDArray transposed = directions.transpose();
    return new Restricted(
        directions.mmul(gradient.reshape(gradient.length(), 1)),
        ggn.times(directions).mmul(transposed).addi(directions.mmul(transposed).muli(damping)));
  }
}
