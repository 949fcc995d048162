package org.backpack4j.samediff.curvature;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The Lanczos process (Lanczos, 1950) on a symmetric matrix A [D, D] that is known by its products
 * alone, with full reorthogonalisation: after m steps an orthonormal basis [m, D] in which A is
 * tridiagonal. Its eigenvalues, the Ritz values, are near the extreme eigenvalues of A first; with
 * as many steps as rows they are the eigenvalues of A. The basis is held in memory.
 */
public final class Lanczos {
  private final INDArray basis;
  private final double[] values;
  private final double[] weights;
  private final double[] errors;
  private final INDArray coordinates;

  private Lanczos(INDArray basis, double[] diagonal, double[] beside) {
    int m = diagonal.length;
    INDArray tridiagonal = Matrices.zeros(m, m);
    for (int k = 0; k < m; k++) {
      tridiagonal.putScalar(k, k, diagonal[k]);
      if (k + 1 < m) {
        tridiagonal.putScalar(k, k + 1, beside[k]);
        tridiagonal.putScalar(k + 1, k, beside[k]);
      }
    }
    Eigen eigen = Eigen.of("the tridiagonal matrix", tridiagonal);
    this.basis = basis;
    this.values = eigen.values();
    this.coordinates = eigen.vectors();
    this.weights = new double[m];
    this.errors = new double[m];
    for (int k = 0; k < m; k++) {
      double start = eigen.vectors().getDouble(0, k);
      weights[k] = start * start;
      errors[k] = Math.abs(beside[m - 1] * eigen.vectors().getDouble(m - 1, k));
    }
  }

  /**
   * Runs the process from a random vector. Where the vectors so far span a space that A maps into
   * itself, it goes on with another random vector, so that eigenvalues that are there several times
   * are found, too.
   *
   * @param matrix A
   * @param steps how many steps, each of one product; no more than A has rows are made
   * @param seed the seed of the random vectors
   * @return what is known of A
   * @throws IllegalArgumentException if there is not at least one step
   */
  public static Lanczos run(LinearOperator matrix, int steps, long seed) {
    TraceEstimator.refuse(
        steps < 1 || matrix.size() == 0,
        "Lanczos needs at least one step and a matrix of at least one row, not " + steps);
    int m = Math.toIntExact(Math.min(steps, matrix.size()));
    RandomGenerator random = Matrices.random(seed);
    INDArray basis = Matrices.zeros(m, matrix.size());
    double[] diagonal = new double[m];
    double[] beside = new double[m];
    double scale = 0;
    put(basis, 0, start(random, basis, 0));
    for (int k = 0; k < m; k++) {
      INDArray q = Vectors.rows(basis, k, k + 1).dup('c');
      INDArray product = matrix.times(q);
      diagonal[k] = Matrices.dots(q, product)[0];
      scale = Math.max(scale, Math.sqrt(Matrices.dots(product, product)[0]));
      INDArray next = orthogonal(orthogonal(product, basis, k + 1), basis, k + 1);
      beside[k] = Math.sqrt(Matrices.dots(next, next)[0]);
      boolean closed = beside[k] <= 1e-13 * scale;
      if (closed) {
        beside[k] = 0;
      }
      if (k + 1 < m) {
        put(basis, k + 1, closed ? start(random, basis, k + 1) : next.div(beside[k]));
      }
    }
    return new Lanczos(basis, diagonal, beside);
  }

  /** A random unit vector, orthogonal to the first rows. */
  private static INDArray start(RandomGenerator random, INDArray basis, int rows) {
    INDArray vector = Matrices.normal(random, 1, basis.size(1));
    for (int k = 0; k < 3; k++) {
      vector = orthogonal(vector, basis, rows);
      vector = vector.div(Math.sqrt(Matrices.dots(vector, vector)[0]));
    }
    return vector;
  }

  private static INDArray orthogonal(INDArray vector, INDArray basis, int rows) {
    if (rows == 0) {
      return vector;
    }
    INDArray before = Vectors.rows(basis, 0, rows);
    return vector.sub(Matrices.product(Matrices.product(vector, false, before, true), before));
  }

  private static void put(INDArray basis, int row, INDArray vector) {
    Vectors.rows(basis, row, row + 1).assign(vector);
  }

  /**
   * How many steps were made, and products.
   *
   * @return m
   */
  public int steps() {
    return values.length;
  }

  /**
   * The Ritz values.
   *
   * @return m numbers, ascending
   */
  public double[] values() {
    return values.clone();
  }

  /**
   * How far each Ritz value may be from an eigenvalue of A: there is one within this distance.
   *
   * @return m numbers, for {@link #values()} one by one
   */
  public double[] errors() {
    return errors.clone();
  }

  /**
   * The weights of a quadrature with the Ritz values as nodes: for the first random vector v, vᵀ
   * f(A) v / ‖v‖² ≈ Σ weight · f(value).
   *
   * @return m numbers that add up to 1, for {@link #values()} one by one
   */
  public double[] weights() {
    return weights.clone();
  }

  /**
   * The Ritz vector of a value, an approximate eigenvector.
   *
   * @param k the value's number: 0 for the smallest, {@link #steps()} − 1 for the largest
   * @return a new vector [D] of length 1
   * @throws IllegalArgumentException if there is no such number
   */
  public INDArray vector(int k) {
    TraceEstimator.refuse(
        k < 0 || k >= steps(),
        "There are " + steps() + " Ritz values, and none has the number " + k);
    INDArray column = Matrices.zeros(1, steps());
    for (int i = 0; i < steps(); i++) {
      column.putScalar(0, i, coordinates.getDouble(i, k));
    }
    return Matrices.product(column, basis).reshape(basis.size(1));
  }

  /**
   * The density of A's eigenvalues, by several runs (Lin, Saad and Yang, 2016, "Approximating
   * spectral densities of large matrices").
   *
   * @param matrix A
   * @param steps how many steps each run has, at least 2
   * @param runs how many runs, each from a random vector of its own
   * @param seed the seed of the random vectors
   * @return the density
   * @throws IllegalArgumentException if there are too few steps or runs
   */
  public static Density density(LinearOperator matrix, int steps, int runs, long seed) {
    TraceEstimator.refuse(
        steps < 2 || runs < 1,
        "A density needs at least 2 steps and one run, not " + steps + " and " + runs);
    RandomGenerator random = Matrices.random(seed);
    double[] nodes = new double[0];
    double[] weights = new double[0];
    for (int run = 0; run < runs; run++) {
      Lanczos lanczos = run(matrix, steps, random.nextLong());
      nodes = joined(nodes, lanczos.values, 1);
      weights = joined(weights, lanczos.weights, 1.0 / runs);
    }
    return new Density(nodes, weights, steps);
  }

  private static double[] joined(double[] first, double[] second, double factor) {
    double[] all = Arrays.copyOf(first, first.length + second.length);
    for (int k = 0; k < second.length; k++) {
      all[first.length + k] = factor * second[k];
    }
    return all;
  }

  /** A distribution of eigenvalues: nodes with weights that add up to 1. */
  public static final class Density {
    private final double[] nodes;
    private final double[] weights;
    private final int steps;

    private Density(double[] nodes, double[] weights, int steps) {
      this.nodes = nodes;
      this.weights = weights;
      this.steps = steps;
    }

    /**
     * Where the eigenvalues are taken to be.
     *
     * @return the nodes
     */
    public double[] nodes() {
      return nodes.clone();
    }

    /**
     * The share of the eigenvalues at each node.
     *
     * @return the weights, which add up to 1
     */
    public double[] weights() {
      return weights.clone();
    }

    /**
     * A width of Gaussians that suits the number of steps m: 2 / ((m − 1) √(8 ln 3)) times half of
     * the range of the nodes, with a margin of 5 percent.
     *
     * @return the standard deviation
     */
    public double width() {
      double least = Arrays.stream(nodes).min().orElse(0);
      double largest = Arrays.stream(nodes).max().orElse(0);
      double half = 1.05 * (largest - least) / 2;
      double scale = half > 0 ? half : Math.max(1e-6, 1e-6 * Math.abs(largest));
      return scale * 2 / ((steps - 1) * Math.sqrt(8 * Math.log(3)));
    }

    /**
     * The density with a Gaussian at each node.
     *
     * @param at where the density is asked for
     * @param width the standard deviation of the Gaussians, such as {@link #width()}
     * @return the density at each place; its integral is 1
     * @throws IllegalArgumentException if the width is not above 0
     */
    public double[] smooth(double[] at, double width) {
      TraceEstimator.refuse(!(width > 0), "A width above 0 is needed, not " + width);
      double[] density = new double[at.length];
      for (int i = 0; i < at.length; i++) {
        for (int k = 0; k < nodes.length; k++) {
          double off = (at[i] - nodes[k]) / width;
          density[i] += weights[k] * Math.exp(-off * off / 2) / (width * Math.sqrt(2 * Math.PI));
        }
      }
      return density;
    }
  }
}
