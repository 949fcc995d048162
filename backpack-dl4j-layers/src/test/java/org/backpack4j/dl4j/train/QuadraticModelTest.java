package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class QuadraticModelTest {
  private static final double DAMPING = 0.3;
  private static final ParameterLayout LAYOUT = ParameterLayout.of(Map.of("w", new long[] {5}));

  private INDArray gradient = Nd4j.empty(DataType.DOUBLE);
  private QuadraticModel model = new QuadraticModel(matrix(), gradient, DAMPING);

  private static Curvature matrix() {
    INDArray rows = Nd4j.randn(DataType.DOUBLE, 3, 5);
    return Curvature.builder(LAYOUT).lowRank(List.of("w"), rows).build();
  }

  @BeforeEach
  void draw() {
    Nd4j.getRandom().setSeed(5);
    gradient = Nd4j.randn(DataType.DOUBLE, 5);
    model = new QuadraticModel(matrix(), gradient, DAMPING);
  }

  @Test
  void theChangeIsThatOfThePolynomial() {
    Curvature matrix = matrix();
    INDArray step = Nd4j.randn(DataType.DOUBLE, 5);
    double expected = 0;
    INDArray product = matrix.times(step.reshape(1, 5));
    for (int k = 0; k < 5; k++) {
      double s = step.getDouble(k);
      expected += s * gradient.getDouble(k) + s * (product.getDouble(0, k) + DAMPING * s) / 2;
    }
    assertThat(new QuadraticModel(matrix, gradient, DAMPING).change(step))
        .isCloseTo(expected, within(1e-12));
  }

  @Test
  void noLengthAlongADirectionIsBetter() {
    INDArray direction = Nd4j.randn(DataType.DOUBLE, 5);
    QuadraticModel.Minimum minimum = model.along(direction);
    assertThat(minimum.second()).isZero();
    assertThat(minimum.change())
        .isCloseTo(model.change(direction.mul(minimum.first())), within(1e-12));
    for (double other : new double[] {0.99, 1.01, -1}) {
      assertThat(model.change(direction.mul(other * minimum.first())))
          .isGreaterThan(minimum.change());
    }
  }

  @Test
  void noSumOfTwoDirectionsIsBetter() {
    INDArray directions = Nd4j.randn(DataType.DOUBLE, 2, 5);
    QuadraticModel.Minimum minimum = model.within(directions);
    assertThat(minimum.change())
        .isCloseTo(model.change(sum(directions, minimum.first(), minimum.second())), within(1e-12));
    for (double[] off : new double[][] {{1e-3, 0}, {-1e-3, 0}, {0, 1e-3}, {0, -1e-3}}) {
      assertThat(model.change(sum(directions, minimum.first() + off[0], minimum.second() + off[1])))
          .isGreaterThan(minimum.change());
    }
  }

  private static INDArray sum(INDArray directions, double alpha, double mu) {
    return directions.getRow(0).mul(alpha).add(directions.getRow(1).mul(mu));
  }

  /** With the old step along the new one, or zero, there is one length to be found. */
  @Test
  void parallelDirectionsAreOne() {
    INDArray direction = Nd4j.randn(DataType.DOUBLE, 5);
    for (double multiple : new double[] {0, -2, 1e-9}) {
      INDArray both = Nd4j.vstack(direction.reshape(1, 5), direction.mul(multiple).reshape(1, 5));
      QuadraticModel.Minimum minimum = model.within(both);
      assertThat(minimum.second()).isZero();
      assertThat(minimum.first()).isCloseTo(model.along(direction).first(), within(1e-12));
    }
  }

  @Test
  void withoutAGradientThereIsNoStep() {
    QuadraticModel flat = new QuadraticModel(matrix(), Nd4j.zeros(DataType.DOUBLE, 5), DAMPING);
    assertThat(flat.along(Nd4j.zeros(DataType.DOUBLE, 5)).first()).isZero();
    assertThat(flat.within(Nd4j.zeros(DataType.DOUBLE, 2, 5)).change()).isZero();
  }
}
