package org.backpack4j.samediff.curvature;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.decomposition.TriangularSolver_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.CholeskyDecomposition_F64;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A positive definite matrix as L Lᵀ. */
final class Cholesky {
  private final int n;
  private final double[] lower;

  private Cholesky(int n, double[] lower) {
    this.n = n;
    this.lower = lower;
  }

  /**
   * The factor of a symmetric matrix.
   *
   * @throws ArithmeticException if it is not positive definite, up to rounding
   */
  static Cholesky of(String what, INDArray symmetric) {
    int n = Math.toIntExact(symmetric.size(0));
    DMatrixRMaj matrix = Matrices.ejml(symmetric);
    double largest = 0;
    for (int k = 0; k < n; k++) {
      largest = Math.max(largest, matrix.get(k, k));
    }
    CholeskyDecomposition_F64<DMatrixRMaj> found =
        DecompositionFactory_DDRM.chol(Math.max(1, n), true);
    boolean positive = n == 0 || found.decompose(matrix);
    double[] lower = n == 0 ? new double[0] : found.getT(null).data;
    for (int k = 0; positive && k < n; k++) {
      positive = lower[k * n + k] * lower[k * n + k] > n * Math.ulp(largest);
    }
    if (!positive) {
      throw new ArithmeticException(
          what + " is singular or not positive, with its damping: take a larger damping.");
    }
    return new Cholesky(n, lower);
  }

  /** The inverse times rows [V, n]. */
  INDArray solve(INDArray rows) {
    return each(
        rows,
        x -> {
          TriangularSolver_DDRM.solveL(lower, x, n);
          TriangularSolver_DDRM.solveTranL(lower, x, n);
        });
  }

  /** L⁻ᵀ times rows [V, n]: of independent standard normal numbers, draws of N(0, inverse). */
  INDArray solveTransposed(INDArray rows) {
    return each(rows, x -> TriangularSolver_DDRM.solveTranL(lower, x, n));
  }

  private interface Solve {
    void inPlace(double[] x);
  }

  private INDArray each(INDArray rows, Solve solve) {
    double[] all = Matrices.numbers(rows);
    double[] x = new double[n];
    for (int at = 0; at < all.length; at += n) {
      System.arraycopy(all, at, x, 0, n);
      solve.inPlace(x);
      System.arraycopy(x, 0, all, at, n);
    }
    return Matrices.array(all, rows.size(0), n);
  }

  /** The logarithm of the determinant of L Lᵀ. */
  double logdet() {
    double sum = 0;
    for (int k = 0; k < n; k++) {
      sum += 2 * Math.log(lower[k * n + k]);
    }
    return sum;
  }

  /** The diagonal of the inverse: the squared lengths of the columns of L⁻¹. */
  INDArray inverseDiagonal() {
    double[] diagonal = new double[n];
    double[] inverse = new double[n * n];
    if (n > 0) {
      TriangularSolver_DDRM.invertLower(lower, inverse, n);
    }
    for (int i = 0; i < n; i++) {
      for (int k = 0; k <= i; k++) {
        diagonal[k] += inverse[i * n + k] * inverse[i * n + k];
      }
    }
    return Matrices.array(diagonal, n);
  }
}
