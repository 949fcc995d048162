package org.backpack4j.samediff.curvature;

import java.io.IOException;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A whole symmetric matrix. */
final class DenseBlock extends Block {
  static final String FORM = "dense";
  private final INDArray matrix;

  DenseBlock(ParameterLayout layout, INDArray matrix) {
    super(layout);
    this.matrix = Matrices.symmetric("The block of " + layout, matrix, layout.size());
  }

  static DenseBlock read(ParameterLayout layout, CurvatureFile.Reader reader) throws IOException {
    return new DenseBlock(layout, reader.array("block"));
  }

  @Override
  void write(CurvatureFile.Writer writer) throws IOException {
    writer.array("block", matrix);
  }

  @Override
  String form() {
    return FORM;
  }

  @Override
  INDArray times(INDArray vectors) {
    return Matrices.product(vectors, matrix);
  }

  @Override
  double trace() {
    return size() == 0 ? 0 : diagonal().sumNumber().doubleValue();
  }

  @Override
  INDArray diagonal() {
    double[] diagonal = new double[Math.toIntExact(size())];
    for (int k = 0; k < diagonal.length; k++) {
      diagonal[k] = matrix.getDouble(k, k);
    }
    return Matrices.array(diagonal, size());
  }

  @Override
  double[] eigenvalues() {
    return Eigen.values(title(), matrix);
  }

  @Override
  Block scaled(double factor) {
    return new DenseBlock(layout(), matrix.mul(factor));
  }

  @Override
  Map<String, INDArray> eigenvectors() {
    return layout().names().size() > 1
        ? super.eigenvectors()
        : Map.of("Q_B", Eigen.of(title(), matrix).vectors());
  }

  @Override
  Block withEigenvalues(INDArray eigenvalues) {
    if (layout().names().size() > 1) {
      return super.withEigenvalues(eigenvalues);
    }
    INDArray values = Matrices.checked("The eigenvalues of " + layout(), eigenvalues, size());
    INDArray vectors = Eigen.of(title(), matrix).vectors();
    return new DenseBlock(
        layout(), Matrices.product(vectors.mulRowVector(values), false, vectors, true));
  }

  @Override
  DampedBlock damped(BlockDamping damping) {
    INDArray damped = matrix.dup('c');
    double[] entries = Matrices.numbers(damping.entries());
    for (int k = 0; k < entries.length; k++) {
      damped.putScalar(k, k, damped.getDouble(k, k) + entries[k]);
    }
    return new Damped(damped, Cholesky.of(title(), damped));
  }

  private record Damped(INDArray matrix, Cholesky root) implements DampedBlock {
    @Override
    public INDArray times(INDArray vectors) {
      return Matrices.product(vectors, matrix);
    }

    @Override
    public INDArray solve(INDArray vectors) {
      return root.solve(vectors);
    }

    @Override
    public double logdet() {
      return root.logdet();
    }

    @Override
    public INDArray sample(int n, RandomGenerator random) {
      return root.solveTransposed(Matrices.normal(random, n, matrix.size(0)));
    }

    @Override
    public INDArray inverseDiagonal() {
      return root.inverseDiagonal();
    }
  }
}
