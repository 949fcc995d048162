package org.backpack4j.samediff.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Solves equations by products alone (Hestenes and Stiefel, 1952, "Methods of conjugate gradients
 * for solving linear systems"): settings, and the solver. Several right-hand sides share the
 * products of each iteration.
 */
public final class ConjugateGradients {
  private final double tolerance;
  private final int iterations;
  private final @Nullable DampedCurvature preconditioner;

  /**
   * A solver.
   *
   * @param tolerance how long the residual may be, relative to the right-hand side
   * @param iterations how many iterations at most, each of one product with each right-hand side
   * @throws IllegalArgumentException if the tolerance is not above 0, or there is no iteration
   */
  public ConjugateGradients(double tolerance, int iterations) {
    this(tolerance, iterations, null);
  }

  private ConjugateGradients(
      double tolerance, int iterations, @Nullable DampedCurvature preconditioner) {
    if (!(tolerance > 0) || iterations < 1) {
      throw new IllegalArgumentException(
          "Conjugate gradients need a tolerance above 0 and at least one iteration, not "
              + tolerance
              + " and "
              + iterations
              + ".");
    }
    this.tolerance = tolerance;
    this.iterations = iterations;
    this.preconditioner = preconditioner;
  }

  /**
   * A solver with a preconditioner.
   *
   * @param approximation a matrix like the one of the equations, whose inverse is cheap
   * @return a solver with the same settings
   */
  public ConjugateGradients withPreconditioner(DampedCurvature approximation) {
    return new ConjugateGradients(tolerance, iterations, approximation);
  }

  /** How the iterations for a right-hand side ended. */
  public enum End {
    /** The residual is as short as was asked for. */
    CONVERGED,
    /** There were not enough iterations. */
    ITERATIONS,
    /** A direction d has dᵀ A d ≤ 0: the matrix is not positive definite. */
    NOT_POSITIVE
  }

  /**
   * What came of the equations.
   *
   * @param solution the solutions as rows [V, D]; where the iterations did not converge, the last
   *     iterate
   * @param residuals for each right-hand side ‖b − A x‖ / ‖b‖, by a product of its own
   * @param ends for each right-hand side how the iterations ended
   * @param iterations how many iterations there were
   */
  public record Result(INDArray solution, List<Double> residuals, List<End> ends, int iterations) {
    /**
     * What went wrong.
     *
     * @return a sentence for the first right-hand side that was not solved; empty if all were
     */
    public Optional<String> failure() {
      return IntStream.range(0, ends.size())
          .filter(k -> ends.get(k) != End.CONVERGED)
          .mapToObj(
              k ->
                  "right-hand side "
                      + k
                      + (ends.get(k) == End.NOT_POSITIVE
                          ? " met a direction along which the matrix is not positive;"
                              + " take a larger damping"
                          : " has the relative residual "
                              + residuals.get(k)
                              + " after "
                              + iterations
                              + " iterations; allow more, take a larger damping or a"
                              + " preconditioner")
                      + ".")
          .findFirst();
    }
  }

  /**
   * Solves A x = b.
   *
   * @param matrix A, symmetric and positive definite
   * @param rightHandSides b as rows [V, D]
   * @return the solutions, and how they were come by
   * @throws IllegalArgumentException if the right-hand sides have another shape or an entry that is
   *     no finite number, or the preconditioner is of other parameters
   */
  public Result solve(LinearOperator matrix, INDArray rightHandSides) {
    return solve(matrix, 0, rightHandSides);
  }

  /**
   * Solves (A + δ) x = b.
   *
   * @param matrix A, symmetric
   * @param damping δ, at least 0
   * @param rightHandSides b as rows [V, D]
   * @return the solutions, and how they were come by
   * @throws IllegalArgumentException if the damping is negative or no finite number, the right-hand
   *     sides have another shape or an entry that is no finite number, or the preconditioner is of
   *     other parameters
   */
  public Result solve(LinearOperator matrix, double damping, INDArray rightHandSides) {
    if (!Double.isFinite(damping) || damping < 0) {
      throw new IllegalArgumentException(
          "The damping must be a finite number of at least 0, not " + damping + ".");
    }
    if (preconditioner != null && !preconditioner.layout().equals(matrix.layout())) {
      throw new IllegalArgumentException(
          "The preconditioner is of "
              + preconditioner.layout()
              + ", the matrix of "
              + matrix.layout()
              + ".");
    }
    INDArray b = Vectors.checked(matrix.layout(), rightHandSides);
    return new Run(matrix, damping, b).run();
  }

  /** The iterations for some right-hand sides. Rows that have ended are left out of products. */
  private final class Run {
    private final LinearOperator matrix;
    private final double damping;
    private final INDArray b;
    private final int rows;
    private final double[] length;
    private final End[] ends;
    private final INDArray x;
    private final INDArray r;
    private final INDArray d;
    private final double[] rho;

    Run(LinearOperator matrix, double damping, INDArray b) {
      this.matrix = matrix;
      this.damping = damping;
      this.b = b;
      this.rows = Math.toIntExact(b.size(0));
      this.length = lengths(b);
      this.ends = new End[rows];
      this.x = Matrices.zeros(b.shape());
      this.r = b.dup('c');
      this.d = Matrices.zeros(b.shape());
      this.rho = new double[rows];
    }

    Result run() {
      int count = 0;
      List<Integer> active = unsolved(IntStream.range(0, rows).boxed().toList());
      begin(active);
      while (!active.isEmpty() && count < iterations) {
        count++;
        step(active);
        active = unsolved(active);
        redirect(active);
      }
      active.forEach(k -> ends[k] = End.ITERATIONS);
      double[] residuals = residuals();
      return new Result(x, Arrays.stream(residuals).boxed().toList(), List.of(ends), count);
    }

    /** Sets directions to the preconditioned residuals. */
    private void begin(List<Integer> active) {
      if (active.isEmpty()) {
        return;
      }
      INDArray residual = rows(r, active);
      INDArray z = preconditioned(residual);
      double[] products = Matrices.dots(residual, z);
      for (int k = 0; k < active.size(); k++) {
        rho[active.get(k)] = products[k];
        row(d, active.get(k)).assign(row(z, k));
      }
    }

    private void step(List<Integer> active) {
      INDArray directions = rows(d, active);
      INDArray products = damped(directions);
      double[] curvatures = Matrices.dots(directions, products);
      for (int k = 0; k < active.size(); k++) {
        int at = active.get(k);
        if (!(curvatures[k] > 0)) {
          ends[at] = End.NOT_POSITIVE;
          continue;
        }
        double alpha = rho[at] / curvatures[k];
        row(x, at).addi(row(directions, k).mul(alpha));
        row(r, at).subi(row(products, k).mul(alpha));
      }
    }

    /** Makes the next directions conjugate to the last ones. */
    private void redirect(List<Integer> active) {
      if (active.isEmpty()) {
        return;
      }
      INDArray residual = rows(r, active);
      INDArray z = preconditioned(residual);
      double[] products = Matrices.dots(residual, z);
      for (int k = 0; k < active.size(); k++) {
        int at = active.get(k);
        double beta = products[k] / rho[at];
        rho[at] = products[k];
        row(d, at).muli(beta).addi(row(z, k));
      }
    }

    /**
     * The rows that go on. Where the residual, which is kept up to date by a recursion, is short
     * enough, a product tells whether it is that of the solution, and takes its place if not.
     */
    private List<Integer> unsolved(List<Integer> candidates) {
      List<Integer> going = new ArrayList<>();
      List<Integer> again = new ArrayList<>();
      for (int k : candidates) {
        if (ends[k] != null) {
          continue;
        }
        if (isShort(k)) {
          INDArray at = rows(x, List.of(k));
          row(r, k).assign(row(b, k)).subi(row(damped(at), 0));
          if (isShort(k)) {
            ends[k] = End.CONVERGED;
          } else {
            again.add(k);
            going.add(k);
          }
        } else {
          going.add(k);
        }
      }
      restart(again);
      return going;
    }

    /** Forgets directions: the next ones are the preconditioned residuals alone. */
    private void restart(List<Integer> again) {
      for (int k : again) {
        row(d, k).assign(0);
        rho[k] = 1;
      }
    }

    private boolean isShort(int k) {
      return lengths(rows(r, List.of(k)))[0] <= tolerance * length[k];
    }

    private double[] residuals() {
      if (rows == 0) {
        return new double[0];
      }
      double[] residuals = lengths(b.sub(damped(x)));
      for (int k = 0; k < rows; k++) {
        residuals[k] = length[k] == 0 ? 0 : residuals[k] / length[k];
      }
      return residuals;
    }

    private INDArray damped(INDArray vectors) {
      INDArray product = matrix.times(vectors);
      return damping == 0 ? product : product.addi(vectors.mul(damping));
    }

    private INDArray preconditioned(INDArray residual) {
      return preconditioner == null ? residual : preconditioner.solve(residual);
    }
  }

  private static double[] lengths(INDArray rows) {
    return Arrays.stream(Matrices.dots(rows, rows)).map(Math::sqrt).toArray();
  }

  private static INDArray row(INDArray matrix, int k) {
    return Vectors.rows(matrix, k, k + 1);
  }

  /** A copy of some rows. */
  private static INDArray rows(INDArray matrix, List<Integer> which) {
    INDArray some = Matrices.zeros(which.size(), matrix.size(1));
    for (int k = 0; k < which.size(); k++) {
      row(some, k).assign(row(matrix, which.get(k)));
    }
    return some;
  }
}
