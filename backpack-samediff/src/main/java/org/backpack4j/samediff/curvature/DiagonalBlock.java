package org.backpack4j.samediff.curvature;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** A diagonal. */
final class DiagonalBlock extends Block {
  static final String FORM = "diagonal";
  private final INDArray diagonal;

  DiagonalBlock(ParameterLayout layout, INDArray diagonal) {
    super(layout);
    this.diagonal = Matrices.checked("The diagonal of " + layout, diagonal, layout.size());
  }

  static DiagonalBlock read(ParameterLayout layout, CurvatureFile.Reader reader)
      throws IOException {
    return new DiagonalBlock(layout, reader.array("diagonal"));
  }

  @Override
  void write(CurvatureFile.Writer writer) throws IOException {
    writer.array("diagonal", diagonal);
  }

  @Override
  String form() {
    return FORM;
  }

  @Override
  INDArray times(INDArray vectors) {
    return multiplied(vectors, diagonal);
  }

  private static INDArray multiplied(INDArray vectors, INDArray by) {
    return vectors.length() == 0 ? vectors.dup('c') : vectors.mulRowVector(by);
  }

  @Override
  double trace() {
    return size() == 0 ? 0 : diagonal.sumNumber().doubleValue();
  }

  @Override
  INDArray diagonal() {
    return diagonal.dup('c');
  }

  @Override
  double[] eigenvalues() {
    return Matrices.numbers(diagonal);
  }

  @Override
  Block scaled(double factor) {
    return new DiagonalBlock(layout(), diagonal.mul(factor));
  }

  @Override
  Map<String, INDArray> eigenvectors() {
    return Map.of();
  }

  @Override
  Block withEigenvalues(INDArray eigenvalues) {
    return new DiagonalBlock(layout(), layout().join(Map.of(layout().names().get(0), eigenvalues)));
  }

  @Override
  DampedBlock damped(BlockDamping damping) {
    INDArray damped = size() == 0 ? diagonal : diagonal.add(damping.entries());
    double[] numbers = Matrices.numbers(damped);
    for (int k = 0; k < numbers.length; k++) {
      if (numbers[k] <= 0) {
        throw new ArithmeticException(
            "Entry "
                + k
                + " of "
                + title()
                + " is "
                + numbers[k]
                + " with the damping "
                + damping
                + ", and must be above 0: take a larger damping.");
      }
    }
    return new Damped(layout(), damped);
  }

  private record Damped(ParameterLayout layout, INDArray diagonal) implements DampedBlock {
    @Override
    public INDArray times(INDArray vectors) {
      return multiplied(vectors, diagonal);
    }

    @Override
    public INDArray solve(INDArray vectors) {
      return multiplied(vectors, inverseDiagonal());
    }

    @Override
    public double logdet() {
      double sum = 0;
      for (double d : Matrices.numbers(diagonal)) {
        sum += Math.log(d);
      }
      return sum;
    }

    @Override
    public INDArray sample(int n, RandomGenerator random) {
      INDArray normal = Matrices.normal(random, n, diagonal.length());
      return multiplied(normal, Transforms.sqrt(inverseDiagonal(), false));
    }

    @Override
    public INDArray inverseDiagonal() {
      return diagonal.length() == 0 ? diagonal.dup() : diagonal.rdiv(1);
    }

    @Override
    public Optional<OutputCovariances> ofOutputs(INDArray rows) {
      INDArray each = inverseDiagonal().reshape('c', layout.shape(layout.names().get(0)));
      return Optional.of(
          new OutputCovariances(Matrices.product(rows.mul(rows), each), null)); // [N, O]
    }
  }
}
