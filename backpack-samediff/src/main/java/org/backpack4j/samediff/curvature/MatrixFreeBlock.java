package org.backpack4j.samediff.curvature;

import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A matrix that is known by its products alone. */
final class MatrixFreeBlock extends Block {
  private static final String FORM = "matrix-free";
  private final LinearOperator operator;
  private final double factor;
  private final ConjugateGradients solver;

  MatrixFreeBlock(LinearOperator operator, double factor, ConjugateGradients solver) {
    super(operator.layout());
    this.operator = operator;
    this.factor = factor;
    this.solver = solver;
  }

  @Override
  void write(CurvatureFile.Writer writer) {
    throw cannot("file", "Save the other blocks.");
  }

  @Override
  String form() {
    return FORM;
  }

  @Override
  INDArray times(INDArray vectors) {
    INDArray product = operator.times(vectors);
    return factor == 1 ? product : product.mul(factor);
  }

  @Override
  double trace() {
    throw cannot("exact trace", "TraceEstimator has estimates with error bars.");
  }

  @Override
  INDArray diagonal() {
    throw cannot("exact diagonal", "DiagonalEstimator has estimates with error bars.");
  }

  @Override
  double[] eigenvalues() {
    throw cannot("list of its eigenvalues", "Lanczos has the extreme ones, and the density.");
  }

  @Override
  Block scaled(double by) {
    return new MatrixFreeBlock(operator, factor * by, solver);
  }

  @Override
  DampedBlock damped(BlockDamping damping) {
    return new Damped(damping);
  }

  private final class Damped implements DampedBlock, LinearOperator {
    private final INDArray damping;

    Damped(BlockDamping damping) {
      this.damping = damping.entries();
    }

    @Override
    public ParameterLayout layout() {
      return MatrixFreeBlock.this.layout();
    }

    @Override
    public INDArray times(INDArray vectors) {
      INDArray product = MatrixFreeBlock.this.times(vectors);
      return product.length() == 0 ? product : product.add(vectors.mulRowVector(damping));
    }

    @Override
    public INDArray solve(INDArray vectors) {
      ConjugateGradients.Result result = solver.solve(this, vectors);
      result
          .failure()
          .ifPresent(
              failure -> {
                throw new ArithmeticException(
                    "Conjugate gradients did not solve " + title() + ": " + failure);
              });
      return result.solution();
    }

    @Override
    public double logdet() {
      throw cannot("exact determinant", "TraceEstimator.logdet has an estimate with an error bar.");
    }

    @Override
    public INDArray sample(int n, RandomGenerator random) {
      throw cannot("root to draw samples with", "Draw them with another form.");
    }

    @Override
    public INDArray inverseDiagonal() {
      throw cannot("exact inverse diagonal", "Solve with unit vectors for some of its entries.");
    }
  }
}
