package org.backpack4j.samediff.curvature;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The covariances of what a random weight W [I, O] makes of rows x [N, I], x W: matrices [O, O],
 * one for each row, that share their eigenvectors, Q diag(hₙ) Qᵀ. They take N O + O² numbers, not N
 * O²; Jacobians, [N, O, I O], are never made. Made by {@link DampedCurvature#ofOutputs}.
 */
public final class OutputCovariances {
  private final INDArray eigenvalues;
  private final @Nullable Factor eigenvectors;

  /**
   * Covariances.
   *
   * @param eigenvalues h [N, O]
   * @param eigenvectors Q [O, O] in columns; null for unit vectors
   */
  OutputCovariances(INDArray eigenvalues, @Nullable Factor eigenvectors) {
    this.eigenvalues = eigenvalues;
    this.eigenvectors = eigenvectors;
  }

  /**
   * The diagonals.
   *
   * @return a new array [N, O]
   */
  public INDArray variances() {
    return eigenvectors == null || eigenvalues.length() == 0
        ? eigenvalues.dup('c')
        : eigenvectors.squared().right(eigenvalues, true);
  }

  /**
   * The sums of the matrices' rows: what is needed to project outputs to a sum of zero.
   *
   * @return a new array [N, O]
   */
  public INDArray rowSums() {
    if (eigenvectors == null || eigenvalues.length() == 0) {
      return eigenvalues.dup('c');
    }
    INDArray ones = Matrices.zeros(1, eigenvalues.size(1)).addi(1);
    INDArray turned = eigenvectors.right(ones, false); // 1ᵀ Q
    return eigenvectors.right(eigenvalues.mulRowVector(turned), true);
  }

  /**
   * The matrices themselves.
   *
   * @return a new array [N, O, O]
   */
  public INDArray matrices() {
    long n = eigenvalues.size(0);
    long o = eigenvalues.size(1);
    INDArray all = Matrices.zeros(n, o, o);
    INDArray unit = Matrices.zeros(o, o);
    for (long k = 0; k < o; k++) {
      unit.putScalar(k, k, 1);
    }
    INDArray q = eigenvectors == null ? unit : eigenvectors.left(unit, false);
    for (long k = 0; k < n && o > 0; k++) {
      INDArray scaled = q.mulRowVector(eigenvalues.getRow(k));
      all.slice(k).assign(Matrices.product(scaled, false, q, true));
    }
    return all;
  }
}
