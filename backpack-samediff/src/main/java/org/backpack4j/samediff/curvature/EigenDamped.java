package org.backpack4j.samediff.curvature;

import java.util.Arrays;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** A damped block with known eigenvectors, a Kronecker product of those of its factors. */
final class EigenDamped implements DampedBlock {
  private final Sides eigenvectors;

  /** The damped eigenvalues [O, I]. */
  private final INDArray eigenvalues;

  /**
   * A damped block.
   *
   * @throws ArithmeticException if an eigenvalue is not above 0, up to rounding
   */
  EigenDamped(String title, BlockDamping damping, Sides eigenvectors, INDArray eigenvalues) {
    this.eigenvectors = eigenvectors;
    this.eigenvalues = eigenvalues;
    if (eigenvalues.length() > 0) {
      double least = eigenvalues.minNumber().doubleValue();
      double largest = eigenvalues.maxNumber().doubleValue();
      if (least <= Math.ulp(largest)) {
        throw new ArithmeticException(
            "The smallest eigenvalue of "
                + title
                + " is "
                + least
                + " with the damping "
                + damping
                + ", the largest "
                + largest
                + ": it is singular, take a larger damping.");
      }
    }
  }

  private INDArray function(INDArray vectors, INDArray factors) {
    INDArray x = eigenvectors.into(vectors);
    return eigenvectors.back(multiplied(x, factors));
  }

  /** [O, V, I] times [O, I], the same for all V. */
  private static INDArray multiplied(INDArray x, INDArray factors) {
    if (x.length() == 0) {
      return x;
    }
    return x.mul(factors.reshape('c', factors.size(0), 1, factors.size(1)));
  }

  private INDArray inverse() {
    return eigenvalues.length() == 0 ? eigenvalues : eigenvalues.rdiv(1);
  }

  @Override
  public INDArray times(INDArray vectors) {
    return function(vectors, eigenvalues);
  }

  @Override
  public INDArray solve(INDArray vectors) {
    return function(vectors, inverse());
  }

  @Override
  public double logdet() {
    double sum = 0;
    for (double eigenvalue : Matrices.numbers(eigenvalues)) {
      sum += Math.log(eigenvalue);
    }
    return sum;
  }

  @Override
  public INDArray sample(int n, RandomGenerator random) {
    long o = eigenvalues.size(0);
    long i = eigenvalues.size(1);
    INDArray normal = Matrices.normal(random, o * n, i).reshape('c', o, n, i);
    return eigenvectors.back(multiplied(normal, Transforms.sqrt(inverse(), false)));
  }

  @Override
  public INDArray inverseDiagonal() {
    return eigenvectors.diagonal(inverse());
  }

  @Override
  public Optional<OutputCovariances> ofOutputs(INDArray rows) {
    if (!Arrays.equals(eigenvectors.axes().outputAxes(), new int[] {1})) {
      return Optional.empty();
    }
    Factor right = eigenvectors.right();
    INDArray turned = right == null ? rows : right.right(rows, false);
    INDArray h = Matrices.product(turned.mul(turned), false, inverse(), true); // [N, O]
    return Optional.of(new OutputCovariances(h, eigenvectors.left()));
  }
}
