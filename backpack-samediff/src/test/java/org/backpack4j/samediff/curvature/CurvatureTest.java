package org.backpack4j.samediff.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.backpack4j.samediff.testing.ArrayAssert.difference;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.CholeskyDecomposition;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Each form against the whole matrix, written out entry by entry. */
class CurvatureTest {
  private static final Random RANDOM = new Random(5);

  @BeforeEach
  void pin() {
    RANDOM.setSeed(6);
  }

  private static INDArray random(long... shape) {
    int length = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    double[] numbers = new double[length];
    Arrays.setAll(numbers, k -> RANDOM.nextGaussian());
    return Nd4j.createFromArray(numbers).reshape(shape);
  }

  private static INDArray positive(int n) {
    INDArray x = random(n + 1, n);
    return x.transpose().mmul(x).dup('c');
  }

  private static ParameterLayout layout() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("a", new long[] {2, 3});
    shapes.put("k", new long[] {2, 2, 3, 1});
    shapes.put("b", new long[] {3});
    shapes.put("t", new long[] {2, 2});
    return ParameterLayout.of(shapes);
  }

  /** A matrix, and what it is, as numbers. */
  private record Case(Curvature curvature, INDArray dense) {
    @Override
    public String toString() {
      return curvature.toString();
    }
  }

  private static ParameterLayout only(String... names) {
    return layout().only(List.of(names));
  }

  private static Case diagonal() {
    ParameterLayout layout = only("a", "b");
    INDArray a = random(2, 3).mul(3);
    INDArray b = random(3);
    INDArray squaredA = a.mul(a).addi(0.1);
    INDArray squaredB = b.mul(b).addi(0.1);
    return new Case(
        Curvature.builder(layout).diagonal("b", squaredB).diagonal("a", squaredA).build(),
        Nd4j.diag(Nd4j.concat(0, squaredA.dup('c').reshape(6), squaredB)));
  }

  /** Σ B[o, o'] A[i, i'] at the places of a weight's entries, however its axes lie. */
  private static INDArray written(
      INDArray outputs, INDArray inputs, long[] shape, List<Integer> outputAxes) {
    int size = (int) Arrays.stream(shape).reduce(1, (x, y) -> x * y);
    INDArray dense = Nd4j.zeros(DataType.DOUBLE, size, size);
    for (int p = 0; p < size; p++) {
      for (int q = 0; q < size; q++) {
        int[] i = places(p, shape, outputAxes);
        int[] j = places(q, shape, outputAxes);
        dense.putScalar(p, q, outputs.getDouble(i[0], j[0]) * inputs.getDouble(i[1], j[1]));
      }
    }
    return dense;
  }

  private static int[] places(int entry, long[] shape, List<Integer> outputAxes) {
    int[] index = new int[shape.length];
    int rest = entry;
    for (int k = shape.length - 1; k >= 0; k--) {
      index[k] = (int) (rest % shape[k]);
      rest /= (int) shape[k];
    }
    int o = 0;
    int i = 0;
    for (int k = 0; k < shape.length; k++) {
      if (outputAxes.contains(k)) {
        o = o * (int) shape[k] + index[k];
      } else {
        i = i * (int) shape[k] + index[k];
      }
    }
    return new int[] {o, i};
  }

  private static Case kronecker(String name, int... outputAxes) {
    ParameterLayout layout = only(name);
    long[] shape = layout.shape(name);
    List<Integer> axes = Arrays.stream(outputAxes).boxed().toList();
    int o = (int) axes.stream().mapToLong(k -> shape[k]).reduce(1, (x, y) -> x * y);
    INDArray b = positive(o);
    INDArray a = positive((int) layout.size() / o);
    return new Case(
        Curvature.builder(layout).kronecker(name, b, a, outputAxes).build(),
        written(b, a, shape, axes));
  }

  private static Case lookup() {
    INDArray b = positive(2);
    INDArray a = Nd4j.createFromArray(0.5, 2.0);
    return new Case(
        Curvature.builder(only("t")).kronecker("t", b, a, 1).build(),
        written(b, Nd4j.diag(a), new long[] {2, 2}, List.of(1)));
  }

  private static Case corrected() {
    ParameterLayout layout = only("a");
    INDArray b = Eigen.of("B", positive(3)).vectors();
    INDArray a = Eigen.of("A", positive(2)).vectors();
    INDArray root = random(3, 2);
    INDArray eigenvalues = root.mul(root).addi(0.2);
    INDArray dense = Nd4j.zeros(DataType.DOUBLE, 6, 6);
    for (int o = 0; o < 3; o++) {
      for (int i = 0; i < 2; i++) {
        INDArray u = b.getColumn(o).dup().reshape(3, 1);
        INDArray v = a.getColumn(i).dup().reshape(2, 1);
        INDArray one =
            written(u.mmul(u.transpose()), v.mmul(v.transpose()), new long[] {2, 3}, List.of(1));
        dense.addi(one.mul(eigenvalues.getDouble(o, i)));
      }
    }
    return new Case(Curvature.builder(layout).corrected("a", b, a, eigenvalues, 1).build(), dense);
  }

  private static Case dense() {
    INDArray block = positive(9);
    return new Case(
        Curvature.builder(only("a", "b")).dense(List.of("b", "a"), block).build(), block);
  }

  private static Case lowRank(int rows) {
    INDArray u = random(rows, 10);
    return new Case(
        Curvature.builder(only("a", "t")).lowRank(List.of("a", "t"), u).build(),
        u.transpose().mmul(u).dup('c'));
  }

  /** Parameters of one block that do not stand beside each other. */
  private static Case mixed() {
    ParameterLayout layout = layout();
    INDArray block = positive(9); // of a and b
    INDArray u = random(2, 4);
    Case k = kronecker("k", 0, 2);
    INDArray dense = Nd4j.zeros(DataType.DOUBLE, 25, 25);
    int[] ofBlock = {0, 1, 2, 3, 4, 5, 18, 19, 20};
    for (int p = 0; p < 9; p++) {
      for (int q = 0; q < 9; q++) {
        dense.putScalar(ofBlock[p], ofBlock[q], block.getDouble(p, q));
      }
    }
    INDArray low = u.transpose().mmul(u);
    for (int p = 0; p < 12; p++) {
      for (int q = 0; q < 12; q++) {
        dense.putScalar(6 + p, 6 + q, k.dense.getDouble(p, q));
      }
    }
    for (int p = 0; p < 4; p++) {
      for (int q = 0; q < 4; q++) {
        dense.putScalar(21 + p, 21 + q, low.getDouble(p, q));
      }
    }
    return new Case(
        Curvature.builder(layout)
            .lowRank(List.of("t"), u)
            .blocks(k.curvature)
            .dense(List.of("a", "b"), block)
            .build(),
        dense);
  }

  static Stream<Case> forms() {
    RANDOM.setSeed(5);
    return Stream.of(
        diagonal(),
        kronecker("a", 1),
        kronecker("a", 0),
        kronecker("a"),
        kronecker("t", 0),
        kronecker("t", 1),
        kronecker("k", 3, 2),
        kronecker("k", 0, 2),
        lookup(),
        corrected(),
        dense(),
        lowRank(3),
        lowRank(14),
        mixed());
  }

  private static RealMatrix real(INDArray matrix) {
    return new Array2DRowRealMatrix(matrix.toDoubleMatrix());
  }

  private static INDArray array(RealMatrix matrix) {
    return Nd4j.createFromArray(matrix.getData());
  }

  private static INDArray damped(
      INDArray dense, ParameterLayout layout, Map<String, Double> damping) {
    return dense.add(Nd4j.diag(new BlockDamping(layout, damping).entries()));
  }

  private static Map<String, Double> damping(ParameterLayout layout) {
    Map<String, Double> damping = new LinkedHashMap<>();
    layout.names().forEach(name -> damping.put(name, 0.3 + 0.1 * damping.size()));
    return damping;
  }

  private static void assertClose(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(difference(actual, expected)).isLessThan(1e-11);
  }

  /** What does not need an inverse. */
  @ParameterizedTest
  @MethodSource("forms")
  void isTheMatrix(Case form) {
    Curvature c = form.curvature;
    INDArray vectors = random(3, c.size());
    INDArray before = vectors.dup();
    assertClose(c.times(vectors), vectors.mmul(form.dense));
    assertClose(c.times(vectors.dup('f').castTo(DataType.DOUBLE)), vectors.mmul(form.dense));
    assertThat(vectors).isEqualTo(before);
    RealMatrix dense = real(form.dense);
    assertThat(c.trace()).isCloseTo(dense.getTrace(), within(1e-11 * dense.getTrace()));
    assertClose(c.diagonal(), Nd4j.diag(form.dense));
    double[] eigenvalues = new EigenDecomposition(dense).getRealEigenvalues();
    Arrays.sort(eigenvalues);
    assertClose(c.eigenvalues(), Nd4j.createFromArray(eigenvalues));
    assertThat(c.times(Nd4j.create(DataType.DOUBLE, 0, c.size())).shape())
        .containsExactly(0, c.size());
  }

  @ParameterizedTest
  @MethodSource("forms")
  void isSolvedWithDampingOfEachParameter(Case form) {
    Curvature c = form.curvature;
    Map<String, Double> damping = damping(c.layout());
    INDArray dense = damped(form.dense, c.layout(), damping);
    DampedCurvature damped = c.damped(damping);
    INDArray vectors = random(4, c.size());
    assertClose(damped.times(vectors), vectors.mmul(dense));
    RealMatrix inverse = new LUDecomposition(real(dense)).getSolver().getInverse();
    assertClose(damped.solve(vectors), vectors.mmul(array(inverse)));
    assertClose(damped.times(damped.solve(vectors)), vectors);
    assertClose(damped.inverseDiagonal(), Nd4j.diag(array(inverse)));
    double logdet = Math.log(new CholeskyDecomposition(real(dense)).getDeterminant());
    assertThat(damped.logdet()).isCloseTo(logdet, within(1e-10));
    Curvature scaled = c.scaled(2.5);
    INDArray twice = damped(form.dense.mul(2.5), c.layout(), damping);
    assertClose(scaled.times(vectors), vectors.mmul(form.dense.mul(2.5)));
    assertThat(scaled.damped(damping).logdet())
        .isCloseTo(
            Math.log(new CholeskyDecomposition(real(twice)).getDeterminant()), within(1e-10));
  }

  /** Covariance and mean of 40,000 draws, within 5 standard errors. */
  @ParameterizedTest
  @MethodSource("forms")
  void drawsHaveTheInverseAsCovariance(Case form) {
    Curvature c = form.curvature;
    Map<String, Double> damping = damping(c.layout());
    INDArray inverse =
        array(
            new LUDecomposition(real(damped(form.dense, c.layout(), damping)))
                .getSolver()
                .getInverse());
    int n = 40_000;
    INDArray draws = c.damped(damping).sample(n, new SplittableRandom(17));
    INDArray covariance = draws.transpose().mmul(draws).div(n);
    INDArray mean = draws.mean(0);
    for (int p = 0; p < c.size(); p++) {
      double own = inverse.getDouble(p, p);
      assertThat(mean.getDouble(p)).isCloseTo(0, within(5 * Math.sqrt(own / n)));
      for (int q = 0; q < c.size(); q++) {
        double both = inverse.getDouble(p, q);
        double error = Math.sqrt((own * inverse.getDouble(q, q) + both * both) / n);
        assertThat(covariance.getDouble(p, q)).isCloseTo(both, within(5 * error));
      }
    }
    assertThat(c.damped(damping).sample(2, new SplittableRandom(3)))
        .isEqualTo(c.damped(damping).sample(2, new SplittableRandom(3)));
  }

  @Test
  void blocksAreMatricesOfTheirOwn() {
    Case mixed = mixed();
    Curvature c = mixed.curvature;
    assertThat(c.blocks()).hasSize(3);
    assertThat(c.block("b").layout()).isEqualTo(only("a", "b"));
    assertThat(c.blocks().stream().mapToDouble(Curvature::trace).sum())
        .isCloseTo(c.trace(), within(1e-12));
    assertThat(c.blocks().stream().mapToDouble(b -> b.logdet(0.1)).sum())
        .isCloseTo(c.logdet(0.1), within(1e-12));
    assertThatThrownBy(() -> c.block("z")).hasMessageContaining("\"z\" is no parameter");
  }

  /** (B + π√δ) ⊗ (A + √δ/π), π² = (tr B / 3) / (tr A / 2). */
  @Test
  void factoredDampingIsThatOfTheFactors() {
    INDArray b = positive(3);
    INDArray a = positive(2);
    double delta = 0.7;
    double pi = Math.sqrt(real(b).getTrace() / 3 / (real(a).getTrace() / 2));
    Curvature c =
        Curvature.builder(only("a")).kronecker("a", b, a, 1).build().withFactoredDamping();
    INDArray dense =
        written(
            b.add(Nd4j.eye(3).castTo(DataType.DOUBLE).mul(pi * Math.sqrt(delta))),
            a.add(Nd4j.eye(2).castTo(DataType.DOUBLE).mul(Math.sqrt(delta) / pi)),
            new long[] {2, 3},
            List.of(1));
    INDArray vectors = random(2, 6);
    assertClose(c.damped(delta).times(vectors), vectors.mmul(dense));
    assertClose(c.damped(delta).times(c.solve(vectors, delta)), vectors);
    assertThat(c.logdet(delta))
        .isCloseTo(
            Math.log(new CholeskyDecomposition(real(dense)).getDeterminant()), within(1e-11));
    // scaling a factor does not change what the damping is shared out to
    INDArray larger = c.scaled(4).damped(4 * delta).times(vectors);
    assertClose(larger, c.damped(delta).times(vectors).mul(4));
    Curvature zero =
        Curvature.builder(only("a"))
            .kronecker("a", Nd4j.zeros(DataType.DOUBLE, 3, 3), a, 1)
            .build()
            .withFactoredDamping();
    INDArray rest =
        written(
            Nd4j.eye(3).castTo(DataType.DOUBLE).mul(Math.sqrt(delta)),
            a.add(Nd4j.eye(2).castTo(DataType.DOUBLE).mul(Math.sqrt(delta))),
            new long[] {2, 3},
            List.of(1));
    assertClose(zero.damped(delta).times(vectors), vectors.mmul(rest));
  }

  @Test
  void aMatrixByItsProductsIsSolvedByConjugateGradients() {
    Case whole = mixed();
    LinearOperator operator =
        new LinearOperator() {
          @Override
          public ParameterLayout layout() {
            return whole.curvature.layout();
          }

          @Override
          public INDArray times(INDArray vectors) {
            return vectors.mmul(whole.dense).dup('c');
          }
        };
    Curvature c =
        Curvature.builder(operator.layout())
            .matrixFree(operator, new ConjugateGradients(1e-13, 200))
            .build();
    INDArray vectors = random(2, c.size());
    assertThat(difference(c.solve(vectors, 0.2), whole.curvature.solve(vectors, 0.2)))
        .isLessThan(1e-9);
    assertThat(difference(c.scaled(3).times(vectors), whole.curvature.scaled(3).times(vectors)))
        .isLessThan(1e-12);
    String name = "The matrix-free block of \"a\", \"k\", \"b\", \"t\" has no ";
    assertThatThrownBy(c::trace)
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining(name + "exact trace")
        .hasMessageContaining("TraceEstimator");
    assertThatThrownBy(c::diagonal).hasMessageContaining("DiagonalEstimator");
    assertThatThrownBy(c::eigenvalues).hasMessageContaining("Lanczos");
    assertThatThrownBy(() -> c.logdet(1)).hasMessageContaining("TraceEstimator.logdet");
    assertThatThrownBy(() -> c.sample(1, 1, new SplittableRandom(1))).hasMessageContaining("root");
    Curvature hasty =
        Curvature.builder(operator.layout())
            .matrixFree(operator, new ConjugateGradients(1e-13, 2))
            .build();
    assertThatThrownBy(() -> hasty.solve(vectors, 1e-3))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("did not solve the matrix-free block of \"a\"")
        .hasMessageContaining("after 2 iterations");
  }

  static Stream<Arguments> singular() {
    RANDOM.setSeed(5);
    INDArray b = positive(3);
    INDArray a = Nd4j.zeros(DataType.DOUBLE, 2, 2);
    a.putScalar(0, 0, 1.0);
    INDArray u = random(4, 6);
    return Stream.of(
        singular("diagonal", x -> x.diagonal("a", Nd4j.zeros(DataType.DOUBLE, 2, 3))),
        singular("Kronecker-factored", x -> x.kronecker("a", b, a, 1)),
        singular("dense", x -> x.dense(List.of("a"), u.transpose().mmul(u))),
        singular("low-rank", x -> x.lowRank(List.of("a"), u)));
  }

  private static Arguments singular(String form, UnaryOperator<Curvature.Builder> block) {
    return Arguments.of(form, block.apply(Curvature.builder(only("a"))).build());
  }

  @ParameterizedTest
  @MethodSource("singular")
  void withoutDampingASingularMatrixIsRefusedByName(String form, Curvature c) {
    assertThatThrownBy(() -> c.solve(random(1, 6), 0))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("the " + form + " block of \"a\"")
        .hasMessageContaining("damping");
    assertThat(c.logdet(1e-3)).isFinite();
  }

  @Test
  void badInputIsRefusedByName() {
    Curvature.Builder builder = Curvature.builder(layout());
    INDArray nan = random(2, 3);
    nan.putScalar(1, 1, Double.NaN);
    INDArray b = positive(3);
    INDArray a = positive(2);
    assertThatThrownBy(() -> builder.diagonal("w", nan)).hasMessageContaining("\"w\" is no");
    assertThatThrownBy(() -> builder.diagonal("a", nan))
        .hasMessageContaining("Entry 4")
        .hasMessageContaining("\"a\"");
    assertThatThrownBy(() -> builder.diagonal("a", random(3, 2)))
        .hasMessageContaining("\"a\" needs an array of the shape [2, 3]");
    assertThatThrownBy(() -> builder.kronecker("a", b, a, 0))
        .hasMessageContaining("The factor B of \"a\" has the shape [3, 3], but must have [2, 2]");
    assertThatThrownBy(() -> builder.kronecker("a", b, a, 2))
        .hasMessageContaining("cannot have the output axes [2]");
    INDArray skew = b.dup();
    skew.putScalar(0, 1, 17);
    assertThatThrownBy(() -> builder.kronecker("a", skew, a, 1))
        .hasMessageContaining("The factor B of \"a\" is not symmetric");
    assertThatThrownBy(() -> builder.corrected("a", b, a, random(3, 2), 1))
        .hasMessageContaining("not orthonormal");
    assertThatThrownBy(() -> builder.lowRank(List.of("a"), random(2, 7)))
        .hasMessageContaining("[2, 7]");
    builder.kronecker("a", b, a, 1);
    assertThatThrownBy(() -> builder.diagonal("a", random(2, 3)))
        .hasMessage("\"a\" has a block already.");
    assertThatThrownBy(builder::build).hasMessage("There is no block for [k, b, t].");
    Curvature c = kronecker("a", 1).curvature;
    assertThatThrownBy(() -> c.damped(-1)).hasMessageContaining("damping of \"a\"");
    assertThatThrownBy(() -> c.damped(Map.of("z", 1.0))).hasMessageContaining("\"z\"");
    assertThatThrownBy(() -> c.damped(Map.of())).hasMessageContaining("\"a\"");
    assertThatThrownBy(() -> c.scaled(Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> c.solve(random(1, 5), 1)).hasMessageContaining("[V, 6]");
    assertThatThrownBy(() -> c.damped(1).sample(0, new SplittableRandom(1)))
        .hasMessageContaining("one draw");
    Curvature negative = Curvature.builder(only("a")).kronecker("a", b, a.neg(), 1).build();
    assertThatThrownBy(() -> negative.logdet(1))
        .hasMessageContaining("The factor A of \"a\" has the eigenvalue");
    Curvature indefinite =
        Curvature.builder(only("b")).diagonal("b", Nd4j.createFromArray(1.0, -2, 3)).build();
    assertThatThrownBy(() -> indefinite.logdet(1))
        .hasMessageContaining("Entry 1 of the diagonal block of \"b\" is -1.0");
  }

  /** What was given is copied; what is taken does not reach inside. */
  @Test
  void nothingIsShared() {
    INDArray diagonal = Nd4j.createFromArray(1.0, 2, 3);
    Curvature c = Curvature.builder(only("b")).diagonal("b", diagonal).build();
    diagonal.assign(7);
    c.diagonal().assign(8);
    assertThat(c.trace()).isEqualTo(6);
  }
}
