package org.backpack4j.samediff.curvature;

import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Estimates of the diagonal of a symmetric matrix A [D, D] that is known by its products alone,
 * each entry with its standard error. Random numbers come from the seed alone.
 */
public final class DiagonalEstimator {
  private DiagonalEstimator() {}

  /**
   * An estimated diagonal.
   *
   * @param value the estimates [D], unbiased
   * @param standardError for each entry its standard error [D], itself an estimate
   * @param products how many products with vectors it took
   */
  public record Result(INDArray value, INDArray standardError, int products) {}

  /**
   * By vectors of random signs, diag A ≈ mean of v ∘ A v (Bekas, Kokiopoulou and Saad, 2007, "An
   * estimator for the diagonal of a matrix").
   *
   * @param matrix A
   * @param vectors how many vectors, at least 2
   * @param seed the seed of the random numbers
   * @return the estimate
   * @throws IllegalArgumentException if there are too few vectors
   */
  public static Result hutchinson(LinearOperator matrix, int vectors, long seed) {
    TraceEstimator.refuse(
        vectors < 2, "Hutchinson's estimate needs at least 2 vectors, not " + vectors);
    INDArray v = Matrices.signs(Matrices.random(seed), vectors, matrix.size());
    return mean(Matrices.zeros(matrix.size()), v.mul(matrix.times(v)), vectors);
  }

  /**
   * By Diag++ (Baston and Nakatsukasa, 2022, "Stochastic diagonal estimation"): exact on the range
   * of A times a third of the vectors, by random signs on the rest. A matrix whose rank is no more
   * than that third has no error.
   *
   * @param matrix A
   * @param products how many products, at least 6 and divisible by 3
   * @param seed the seed of the random numbers
   * @return the estimate
   * @throws IllegalArgumentException if the number of products does not fit
   */
  public static Result diagPlusPlus(LinearOperator matrix, int products, long seed) {
    TraceEstimator.refuse(
        products < 6 || products % 3 != 0,
        "Diag++ needs at least 6 products, divisible by 3, not " + products);
    int k = products / 3;
    RandomGenerator random = Matrices.random(seed);
    Range range = Range.of(matrix.times(Matrices.normal(random, k, matrix.size())));
    INDArray known = Matrices.zeros(matrix.size());
    if (range.rank() > 0) {
      known = range.basis().mul(matrix.times(range.basis())).sum(0); // diag Q Qᵀ A
    }
    INDArray v = Matrices.signs(random, k, matrix.size());
    INDArray rest = range.without(matrix.times(v)); // (1 − Q Qᵀ) A v
    return mean(known, v.mul(rest), range.rank() + 2 * k);
  }

  private static Result mean(INDArray constant, INDArray samples, int products) {
    long n = samples.size(0);
    INDArray mean = samples.sum(0).divi(n);
    INDArray off = samples.subRowVector(mean);
    INDArray variance = off.mul(off).sum(0).divi((double) n * (n - 1));
    return new Result(constant.add(mean), Transforms.sqrt(variance, false), products);
  }
}
