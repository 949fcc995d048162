package org.backpack4j.samediff.curvature;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Estimates of sums over a symmetric matrix A [D, D] that is known by its products alone, each with
 * its standard error. Random numbers come from the seed alone. All vectors of a step are multiplied
 * at once, so that some {@code products} × D numbers are held.
 */
public final class TraceEstimator {
  private TraceEstimator() {}

  /**
   * The trace by vectors of random signs, tr A ≈ mean of vᵀ A v (Hutchinson, 1990). The error falls
   * as one over the square root of the number of vectors; a diagonal matrix has none.
   *
   * @param matrix A
   * @param vectors how many vectors, at least 2
   * @param seed the seed of the random numbers
   * @return the estimate, unbiased
   * @throws IllegalArgumentException if there are too few vectors
   */
  public static Estimate hutchinson(LinearOperator matrix, int vectors, long seed) {
    refuse(vectors < 2, "Hutchinson's estimate needs at least 2 vectors, not " + vectors);
    INDArray v = Matrices.signs(Matrices.random(seed), vectors, matrix.size());
    return Estimate.mean(0, Matrices.dots(v, matrix.times(v)), vectors);
  }

  /**
   * The squared Frobenius norm by vectors of random signs, ‖A‖² ≈ mean of ‖A v‖².
   *
   * @param matrix A
   * @param vectors how many vectors, at least 2
   * @param seed the seed of the random numbers
   * @return the estimate of the sum of the squares of all entries, unbiased
   * @throws IllegalArgumentException if there are too few vectors
   */
  public static Estimate squaredFrobeniusNorm(LinearOperator matrix, int vectors, long seed) {
    refuse(vectors < 2, "The norm's estimate needs at least 2 vectors, not " + vectors);
    INDArray v = Matrices.signs(Matrices.random(seed), vectors, matrix.size());
    INDArray products = matrix.times(v);
    return Estimate.mean(0, Matrices.dots(products, products), vectors);
  }

  /**
   * The trace by Hutch++ (Meyer, Musco, Musco and Woodruff, 2021, "Hutch++: optimal stochastic
   * trace estimation"): exact on the range of A times a third of the vectors, by random signs on
   * the rest. A matrix whose rank is no more than that third has no error.
   *
   * @param matrix A
   * @param products how many products, at least 6 and divisible by 3
   * @param seed the seed of the random numbers
   * @return the estimate, unbiased
   * @throws IllegalArgumentException if the number of products does not fit
   */
  public static Estimate hutchPlusPlus(LinearOperator matrix, int products, long seed) {
    refuse(
        products < 6 || products % 3 != 0,
        "Hutch++ needs at least 6 products, divisible by 3, not " + products);
    int k = products / 3;
    RandomGenerator random = Matrices.random(seed);
    Range range = Range.of(matrix.times(Matrices.normal(random, k, matrix.size())));
    double known = 0;
    if (range.rank() > 0) {
      known = sum(Matrices.dots(range.basis(), matrix.times(range.basis())));
    }
    INDArray rest = range.without(Matrices.signs(random, k, matrix.size()));
    double[] samples = Matrices.dots(rest, matrix.times(rest));
    return Estimate.mean(known, samples, range.rank() + 2 * k);
  }

  /**
   * The trace by XTrace (Epperly, Tropp and Webber, 2024, "XTrace: making the most of every sample
   * in stochastic trace estimation"): each vector is the rest's estimate in turn, the others make
   * the range on which the trace is exact. A matrix whose rank is less than half of the products
   * has no error.
   *
   * @param matrix A
   * @param products how many products, at least 4 and even
   * @param seed the seed of the random numbers
   * @return the estimate, unbiased
   * @throws IllegalArgumentException if the number of products does not fit
   */
  public static Estimate xTrace(LinearOperator matrix, int products, long seed) {
    refuse(
        products < 4 || products % 2 != 0,
        "XTrace needs at least 4 products, an even number, not " + products);
    int k = Math.toIntExact(Math.min(products / 2, matrix.size()));
    INDArray w = onSphere(Matrices.random(seed), k, matrix.size());
    INDArray y = matrix.times(w);
    Range range = Range.of(y);
    if (range.rank() == 0) {
      return new Estimate(0, 0, k);
    }
    INDArray z = matrix.times(range.basis()); // Qᵀ A
    INDArray h = Matrices.product(z, false, range.basis(), true); // Qᵀ A Q
    double trace = sum(diagonal(h));
    if (range.rank() < k || k == matrix.size()) {
      return new Estimate(trace, 0, k + range.rank()); // the range is that of the whole matrix
    }
    return leftOut(w, y, range, z, h, trace, 2 * k);
  }

  private static Estimate leftOut(
      INDArray w, INDArray y, Range range, INDArray z, INDArray h, double trace, int products) {
    int k = range.rank();
    DMatrixRMaj s = new DMatrixRMaj(k, k);
    CommonOps_DDRM.invert(range.triangle(), s); // row i of R⁻¹ is orthogonal to the other columns
    double[] samples = new double[k];
    for (int c = 0; c < k; c++) {
      int row = range.pivots()[c];
      INDArray si = unit(s, c);
      INDArray wi = Vectors.rows(w, row, row + 1).dup('c');
      INDArray yi = Vectors.rows(y, row, row + 1).dup('c');
      double less = Matrices.dots(Matrices.product(si, h), si)[0];
      INDArray a = Matrices.product(wi, false, range.basis(), true); // Qᵀ w
      INDArray kept = a.sub(si.mul(Matrices.dots(a, si)[0])); // (1 − s sᵀ) Qᵀ w
      INDArray rest = wi.sub(Matrices.product(kept, range.basis()));
      INDArray product = yi.sub(Matrices.product(kept, z));
      samples[c] = trace - less + Matrices.dots(rest, product)[0];
    }
    return Estimate.mean(0, samples, products);
  }

  private static INDArray unit(DMatrixRMaj rows, int row) {
    int k = rows.numCols;
    double[] numbers = Arrays.copyOfRange(rows.data, row * k, (row + 1) * k);
    double length = Math.sqrt(Arrays.stream(numbers).map(x -> x * x).sum());
    return Matrices.array(Arrays.stream(numbers).map(x -> x / length).toArray(), 1, k);
  }

  /**
   * The logarithm of the determinant of a positive definite matrix by Lanczos quadrature (Ubaru,
   * Chen and Saad, 2017, "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature"). The
   * standard error tells how far the random vectors scatter; the quadrature's own error, which
   * falls exponentially with the steps, is not in it.
   *
   * @param matrix A, such as a damped one: {@link Curvature#damped(double)}
   * @param vectors how many random vectors, at least 2
   * @param steps how many steps of the Lanczos process for each
   * @param seed the seed of the random numbers
   * @return the estimate of ln det A
   * @throws IllegalArgumentException if there are too few vectors or steps
   * @throws ArithmeticException if the process meets an eigenvalue that is not above 0
   */
  public static Estimate logdet(LinearOperator matrix, int vectors, int steps, long seed) {
    refuse(vectors < 2, "The determinant's estimate needs at least 2 vectors, not " + vectors);
    RandomGenerator random = Matrices.random(seed);
    double[] samples = new double[vectors];
    int products = 0;
    for (int v = 0; v < vectors; v++) {
      Lanczos lanczos = Lanczos.run(matrix, steps, random.nextLong());
      double[] nodes = lanczos.values();
      double[] weights = lanczos.weights();
      for (int k = 0; k < nodes.length; k++) {
        if (weights[k] > 0) {
          if (!(nodes[k] > 0)) {
            throw new ArithmeticException(
                "The matrix has an eigenvalue near "
                    + nodes[k]
                    + " and no logarithm of a determinant: take a larger damping.");
          }
          samples[v] += matrix.size() * weights[k] * Math.log(nodes[k]);
        }
      }
      products += lanczos.steps();
    }
    return Estimate.mean(0, samples, products);
  }

  /** Directions of equal chance, of the length of a vector of signs. */
  private static INDArray onSphere(RandomGenerator random, int rows, long columns) {
    INDArray normal = Matrices.normal(random, rows, columns);
    double[] squares = Matrices.dots(normal, normal);
    for (int k = 0; k < rows; k++) {
      Vectors.rows(normal, k, k + 1).muli(Math.sqrt(columns / squares[k]));
    }
    return normal;
  }

  private static double[] diagonal(INDArray matrix) {
    double[] diagonal = new double[Math.toIntExact(matrix.size(0))];
    Arrays.setAll(diagonal, k -> matrix.getDouble(k, k));
    return diagonal;
  }

  private static double sum(double[] numbers) {
    return Arrays.stream(numbers).sum();
  }

  static void refuse(boolean bad, String message) {
    if (bad) {
      throw new IllegalArgumentException(message + ".");
    }
  }
}
