package org.backpack4j.samediff.curvature;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The eigenvalues of a symmetric matrix, ascending, and its eigenvectors as columns.
 *
 * @param values the eigenvalues
 * @param vectors the eigenvectors [n, n]
 */
record Eigen(double[] values, INDArray vectors) {
  static Eigen of(String what, INDArray symmetric) {
    int n = Math.toIntExact(symmetric.size(0));
    EigenDecomposition_F64<DMatrixRMaj> found = decomposed(what, symmetric, true);
    int[] order = ascending(found, n);
    double[] values = new double[n];
    double[] vectors = new double[n * n];
    for (int k = 0; k < n; k++) {
      values[k] = found.getEigenvalue(order[k]).getReal();
      DMatrixRMaj vector = found.getEigenVector(order[k]);
      for (int i = 0; i < n; i++) {
        vectors[i * n + k] = vector.get(i);
      }
    }
    return new Eigen(values, Matrices.array(vectors, n, n));
  }

  static double[] values(String what, INDArray symmetric) {
    int n = Math.toIntExact(symmetric.size(0));
    EigenDecomposition_F64<DMatrixRMaj> found = decomposed(what, symmetric, false);
    return IntStream.range(0, n)
        .mapToDouble(k -> found.getEigenvalue(k).getReal())
        .sorted()
        .toArray();
  }

  private static EigenDecomposition_F64<DMatrixRMaj> decomposed(
      String what, INDArray symmetric, boolean vectors) {
    int n = Math.toIntExact(symmetric.size(0));
    EigenDecomposition_F64<DMatrixRMaj> found =
        DecompositionFactory_DDRM.eig(Math.max(1, n), vectors, true);
    if (n > 0 && !found.decompose(Matrices.ejml(symmetric))) {
      throw new ArithmeticException("The eigenvalues of " + what + " were not found.");
    }
    return found;
  }

  private static int[] ascending(EigenDecomposition_F64<DMatrixRMaj> found, int n) {
    return IntStream.range(0, n)
        .boxed()
        .sorted(Comparator.comparingDouble(k -> found.getEigenvalue(k).getReal()))
        .mapToInt(k -> k)
        .toArray();
  }
}
