package org.backpack4j.samediff.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.backpack4j.samediff.testing.ArrayAssert.difference;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.LongFunction;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.CholeskyDecomposition;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.QRDecomposition;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What is worked out of products alone, against dense matrices. */
class SolversTest {
  private final Random random = new Random(8);

  private INDArray random(int rows, int columns) {
    double[][] numbers = new double[rows][columns];
    for (double[] row : numbers) {
      Arrays.setAll(row, k -> random.nextGaussian());
    }
    return Nd4j.createFromArray(numbers);
  }

  private static ParameterLayout layout(long size) {
    return ParameterLayout.of(Map.of("w", new long[] {size}));
  }

  /** A matrix that counts its products. */
  private static final class Dense implements LinearOperator {
    private final INDArray matrix;
    private int products;

    Dense(INDArray matrix) {
      this.matrix = matrix;
    }

    @Override
    public ParameterLayout layout() {
      return SolversTest.layout(matrix.size(0));
    }

    @Override
    public INDArray times(INDArray vectors) {
      products += (int) vectors.size(0);
      return Nd4j.matmul(vectors, matrix, false, false, false);
    }
  }

  /** A matrix with given eigenvalues. */
  private Dense withEigenvalues(double... eigenvalues) {
    int d = eigenvalues.length;
    INDArray q =
        Nd4j.createFromArray(
            new QRDecomposition(new Array2DRowRealMatrix(random(d, d).toDoubleMatrix()))
                .getQ()
                .getData());
    INDArray matrix = q.mmul(Nd4j.diag(Nd4j.createFromArray(eigenvalues))).mmul(q.transpose());
    return new Dense(matrix.add(matrix.transpose()).div(2).dup('c'));
  }

  private static double[] decaying(int size, double factor) {
    double[] eigenvalues = new double[size];
    Arrays.setAll(eigenvalues, k -> 10 * Math.pow(factor, k));
    return eigenvalues;
  }

  private static INDArray solved(INDArray matrix, double damping, INDArray rows) {
    INDArray damped = matrix.add(Nd4j.eye(matrix.size(0)).castTo(DataType.DOUBLE).mul(damping));
    double[][] inverse =
        new CholeskyDecomposition(new Array2DRowRealMatrix(damped.toDoubleMatrix()), 1e-9, 1e-12)
            .getSolver()
            .getInverse()
            .getData();
    return rows.mmul(Nd4j.createFromArray(inverse));
  }

  @Test
  void conjugateGradientsAreTheDenseSolution() {
    Dense matrix = withEigenvalues(decaying(20, 0.6));
    INDArray b = random(3, 20);
    b.putRow(1, Nd4j.zeros(DataType.DOUBLE, 20));
    ConjugateGradients.Result result = new ConjugateGradients(1e-12, 200).solve(matrix, 0.05, b);
    assertThat(result.failure()).isEmpty();
    assertThat(result.ends()).containsOnly(ConjugateGradients.End.CONVERGED);
    assertThat(difference(result.solution(), solved(matrix.matrix, 0.05, b))).isLessThan(1e-9);
    assertThat(result.residuals()).allMatch(r -> r <= 1e-12).contains(0.0);
  }

  /** The right-hand side's own iterations: what has ended is not multiplied any more. */
  @Test
  void rightHandSidesEndByThemselves() {
    Dense matrix = withEigenvalues(1, 1, 1, 4, 9, 16);
    EigenDecomposition eigen =
        new EigenDecomposition(new Array2DRowRealMatrix(matrix.matrix.toDoubleMatrix()));
    INDArray eigenvector = Nd4j.createFromArray(eigen.getEigenvector(0).toArray()).reshape(1, 6);
    INDArray b = Nd4j.concat(0, eigenvector, random(1, 6));
    ConjugateGradients.Result result = new ConjugateGradients(1e-10, 50).solve(matrix, b);
    assertThat(result.failure()).isEmpty();
    assertThat(result.iterations()).isEqualTo(4); // as many as there are different eigenvalues
    assertThat(matrix.products).isEqualTo(1 + 4 + 2 + 2); // iterations, checks and residuals
  }

  @Test
  void aPreconditionerSavesIterations() {
    double[] scales = new double[30];
    Arrays.setAll(scales, k -> Math.pow(10, k / 6.0));
    INDArray outer = withEigenvalues(decaying(30, 0.5)).matrix;
    Dense matrix = new Dense(Nd4j.diag(Nd4j.createFromArray(scales)).add(outer));
    Curvature diagonal =
        Curvature.builder(matrix.layout()).diagonal("w", Nd4j.diag(matrix.matrix)).build();
    INDArray b = random(2, 30);
    ConjugateGradients plain = new ConjugateGradients(1e-10, 200);
    ConjugateGradients.Result without = plain.solve(matrix, 0.1, b);
    ConjugateGradients.Result with =
        plain.withPreconditioner(diagonal.damped(0.1)).solve(matrix, 0.1, b);
    INDArray expected = solved(matrix.matrix, 0.1, b);
    for (ConjugateGradients.Result result : List.of(without, with)) {
      assertThat(result.failure()).isEmpty();
      assertThat(difference(result.solution(), expected)).isLessThan(1e-7);
    }
    assertThat(with.iterations()).isLessThan(without.iterations() / 2);
    Curvature other =
        Curvature.builder(layout(3)).diagonal("w", Nd4j.ones(DataType.DOUBLE, 3)).build();
    assertThatThrownBy(() -> plain.withPreconditioner(other.damped(1)).solve(matrix, b))
        .hasMessageContaining("The preconditioner is of \"w\" [3], the matrix of \"w\" [30]");
  }

  /** The products of a graph, with the factors of the same graph as a preconditioner. */
  @Test
  void aGraphIsSolved() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(6);
    GGNProduct products = new GGNProduct(2);
    KFLR factors = new KFLR();
    try (ExtendedGraph graph = BackPack.extend(sd, products, factors)) {
      LinearOperator ggn = LinearOperator.of(graph, products, feeds);
      Map<String, INDArray> none = new HashMap<>(feeds);
      none.putAll(vectors(ggn.layout()));
      Curvature approximation = Curvature.of(graph, graph.evaluate(none), factors);
      INDArray b = Graphs.random(2, ggn.size());
      ConjugateGradients.Result result =
          new ConjugateGradients(1e-9, 200)
              .withPreconditioner(approximation.damped(1e-2))
              .solve(ggn, 1e-3, b);
      assertThat(result.failure()).isEmpty();
      INDArray expected = solved(DenseBlocks.ggn(sd, feeds), 1e-3, b);
      assertThat(difference(result.solution(), expected)).isLessThan(1e-6);
    }
  }

  private static Map<String, INDArray> vectors(ParameterLayout layout) {
    Map<String, INDArray> vectors = new HashMap<>();
    layout
        .split(Nd4j.create(DataType.DOUBLE, 2, layout.size()))
        .forEach((name, part) -> vectors.put(name + ".vector", part));
    return vectors;
  }

  @Test
  void aDirectionOfNegativeCurvatureIsTold() {
    Dense matrix = withEigenvalues(3, 2, -1, 1);
    INDArray b = random(2, 4);
    ConjugateGradients.Result result = new ConjugateGradients(1e-9, 50).solve(matrix, b);
    assertThat(result.ends()).contains(ConjugateGradients.End.NOT_POSITIVE);
    assertThat(result.failure())
        .hasValueSatisfying(text -> assertThat(text).contains("not positive"));
    assertThat(new ConjugateGradients(1e-9, 50).solve(matrix, 1.5, b).failure()).isEmpty();
    ConjugateGradients.Result hasty = new ConjugateGradients(1e-9, 1).solve(matrix, 1.5, b);
    assertThat(hasty.ends()).containsOnly(ConjugateGradients.End.ITERATIONS);
    INDArray residual = b.sub(matrix.times(hasty.solution())).sub(hasty.solution().mul(1.5));
    assertThat(hasty.residuals().get(1))
        .isCloseTo(
            residual.getRow(1).norm2Number().doubleValue()
                / b.getRow(1).norm2Number().doubleValue(),
            within(1e-12));
    assertThatThrownBy(() -> new ConjugateGradients(0, 5)).hasMessageContaining("tolerance");
    assertThatThrownBy(() -> new ConjugateGradients(1e-3, 5).solve(matrix, -1, b))
        .hasMessageContaining("-1");
  }

  /** All of them after as many steps as rows, also those that are there twice. */
  @Test
  void lanczosFindsAllEigenvalues() {
    double[] eigenvalues = {-2, -2, 0, 0, 0, 1, 1, 3, 5, 5.5, 8};
    Dense matrix = withEigenvalues(eigenvalues);
    Lanczos lanczos = Lanczos.run(matrix, 30, 4);
    assertThat(lanczos.steps()).isEqualTo(11);
    assertThat(lanczos.values()).containsExactly(eigenvalues, within(1e-10));
    assertThat(Arrays.stream(lanczos.weights()).sum()).isCloseTo(1, within(1e-12));
    for (int k : new int[] {0, 10}) {
      INDArray vector = lanczos.vector(k).reshape(1, 11);
      INDArray off = matrix.times(vector).sub(vector.mul(eigenvalues[k]));
      assertThat(off.norm2Number().doubleValue()).isLessThan(1e-9);
      assertThat(vector.norm2Number().doubleValue()).isCloseTo(1, within(1e-12));
    }
    assertThat(Lanczos.run(new Dense(Nd4j.zeros(DataType.DOUBLE, 3, 3)), 3, 1).values())
        .containsExactly(0, 0, 0);
    assertThatThrownBy(() -> lanczos.vector(11)).hasMessageContaining("11 Ritz values");
    assertThatThrownBy(() -> Lanczos.run(matrix, 0, 1)).hasMessageContaining("one step");
  }

  /** The extreme ones after few steps, each within the error that is told; no value twice. */
  @Test
  void lanczosFindsTheExtremeEigenvaluesFirst() {
    double[] eigenvalues = decaying(200, 0.9);
    Dense matrix = withEigenvalues(eigenvalues);
    Lanczos lanczos = Lanczos.run(matrix, 60, 9);
    double[] values = lanczos.values();
    double[] errors = lanczos.errors();
    for (int k = 0; k < values.length; k++) {
      double nearest = Double.POSITIVE_INFINITY;
      for (double eigenvalue : eigenvalues) {
        nearest = Math.min(nearest, Math.abs(eigenvalue - values[k]));
      }
      assertThat(nearest).isLessThanOrEqualTo(errors[k] + 1e-10);
    }
    for (int k = 0; k < 10; k++) {
      assertThat(values[59 - k]).isCloseTo(eigenvalues[k], within(1e-8));
      assertThat(errors[59 - k]).isLessThan(1e-3);
    }
  }

  /** Its first moments are those of the eigenvalues, in the mean over runs. */
  @Test
  void theDensityHasTheMomentsOfTheSpectrum() {
    Dense matrix = withEigenvalues(decaying(50, 0.9));
    Lanczos.Density density = Lanczos.density(matrix, 20, 100, 2);
    double mean = 0;
    double square = 0;
    for (int k = 0; k < density.nodes().length; k++) {
      mean += density.weights()[k] * density.nodes()[k];
      square += density.weights()[k] * density.nodes()[k] * density.nodes()[k];
    }
    double trace = Arrays.stream(decaying(50, 0.9)).sum() / 50;
    double squares = Arrays.stream(decaying(50, 0.9)).map(x -> x * x).sum() / 50;
    assertThat(mean).isCloseTo(trace, within(0.1 * trace));
    assertThat(square).isCloseTo(squares, within(0.1 * squares));
    assertThat(Arrays.stream(density.weights()).sum()).isCloseTo(1, within(1e-10));
    double[] grid = new double[4001];
    Arrays.setAll(grid, k -> -20 + 0.01 * k);
    double integral = Arrays.stream(density.smooth(grid, density.width())).sum() * 0.01;
    assertThat(integral).isCloseTo(1, within(1e-6));
    double least = Arrays.stream(density.nodes()).min().orElseThrow();
    double largest = Arrays.stream(density.nodes()).max().orElseThrow();
    double normalised = 2 / (19 * Math.sqrt(8 * Math.log(3)));
    assertThat(density.width()).isCloseTo(normalised * 1.05 * (largest - least) / 2, within(1e-12));
  }

  private record Estimator(String name, LongFunction<Estimate> of, int products) {}

  private static List<Estimator> traces(LinearOperator matrix) {
    return List.of(
        new Estimator("Hutchinson", s -> TraceEstimator.hutchinson(matrix, 24, s), 24),
        new Estimator("Hutch++", s -> TraceEstimator.hutchPlusPlus(matrix, 24, s), 24),
        new Estimator("XTrace", s -> TraceEstimator.xTrace(matrix, 24, s), 24));
  }

  /** Means over many seeds are the trace; errors are as large as they say. */
  @Test
  void tracesAreUnbiasedAndTheirErrorsCover() {
    Dense matrix = withEigenvalues(decaying(30, 0.7));
    double trace = Arrays.stream(decaying(30, 0.7)).sum();
    double rough = Double.POSITIVE_INFINITY;
    for (Estimator estimator : traces(matrix)) {
      double spread = assertUnbiased(estimator, trace, matrix);
      assertThat(spread).as(estimator.name).isLessThan(rough);
      rough = spread; // each is better than the one before
    }
  }

  private static double assertUnbiased(Estimator estimator, double truth, Dense matrix) {
    int runs = 200;
    double mean = 0;
    double squares = 0;
    double told = 0;
    int covered = 0;
    for (int seed = 0; seed < runs; seed++) {
      matrix.products = 0;
      Estimate estimate = estimator.of.apply(seed);
      assertThat(estimate.products()).isEqualTo(matrix.products).isEqualTo(estimator.products);
      double off = estimate.value() - truth;
      mean += off / runs;
      squares += off * off / runs;
      told += estimate.standardError() * estimate.standardError() / runs;
      covered += Math.abs(off) <= 2 * estimate.standardError() ? 1 : 0;
    }
    assertThat(mean).as(estimator.name).isCloseTo(0, within(4 * Math.sqrt(squares / runs)));
    assertThat(Math.sqrt(told / squares)).as(estimator.name).isBetween(0.6, 1.6);
    assertThat(covered).as(estimator.name).isGreaterThan((int) (0.8 * runs));
    return Math.sqrt(squares);
  }

  @Test
  void theSquaredNormIsUnbiased() {
    Dense matrix = withEigenvalues(4, 3, -2, 1, 0, 0, 0);
    Estimator norm =
        new Estimator("norm", s -> TraceEstimator.squaredFrobeniusNorm(matrix, 10, s), 10);
    assertUnbiased(norm, 16 + 9 + 4 + 1, matrix);
  }

  /** Nothing is left to chance where the rank is less than the vectors of the range. */
  @Test
  void tracesOfLowRankAreExact() {
    for (double[] eigenvalues :
        List.of(new double[30], new double[] {3}, new double[] {5, 4, -3, 2, 0, 0, 0, 0})) {
      if (eigenvalues.length == 30) {
        System.arraycopy(new double[] {9, 4, 1}, 0, eigenvalues, 0, 3);
      }
      Dense matrix = withEigenvalues(eigenvalues);
      double trace = Arrays.stream(eigenvalues).sum();
      for (Estimate estimate :
          List.of(
              TraceEstimator.hutchPlusPlus(matrix, 15, 3), TraceEstimator.xTrace(matrix, 10, 3))) {
        assertThat(estimate.value()).isCloseTo(trace, within(1e-10));
        assertThat(estimate.standardError()).isLessThan(1e-10);
      }
      INDArray diagonal = Nd4j.diag(matrix.matrix);
      DiagonalEstimator.Result found = DiagonalEstimator.diagPlusPlus(matrix, 15, 3);
      assertThat(found.value().sub(diagonal).amaxNumber().doubleValue()).isLessThan(1e-10);
      assertThat(found.standardError().amaxNumber().doubleValue()).isLessThan(1e-10);
    }
    Dense zero = new Dense(Nd4j.zeros(DataType.DOUBLE, 9, 9));
    assertThat(TraceEstimator.xTrace(zero, 10, 1).value()).isZero();
    assertThat(TraceEstimator.hutchPlusPlus(zero, 9, 1).value()).isZero();
    assertThat(DiagonalEstimator.diagPlusPlus(zero, 9, 1).value().amaxNumber().doubleValue())
        .isZero();
  }

  @Test
  void diagonalsAreUnbiasedAndTheirErrorsCover() {
    Dense matrix = withEigenvalues(decaying(12, 0.7));
    INDArray diagonal = Nd4j.diag(matrix.matrix);
    int runs = 200;
    for (boolean plus : new boolean[] {false, true}) {
      INDArray mean = Nd4j.zeros(DataType.DOUBLE, 12);
      INDArray squares = mean.dup();
      INDArray told = mean.dup();
      for (int seed = 0; seed < runs; seed++) {
        DiagonalEstimator.Result found =
            plus
                ? DiagonalEstimator.diagPlusPlus(matrix, 12, seed)
                : DiagonalEstimator.hutchinson(matrix, 12, seed);
        assertThat(found.products()).isEqualTo(12);
        INDArray off = found.value().sub(diagonal);
        mean.addi(off.div(runs));
        squares.addi(off.mul(off).div(runs));
        told.addi(found.standardError().mul(found.standardError()).div(runs));
      }
      for (int k = 0; k < 12; k++) {
        double error = Math.sqrt(squares.getDouble(k));
        assertThat(mean.getDouble(k)).isCloseTo(0, within(4.5 * error / Math.sqrt(runs)));
        assertThat(Math.sqrt(told.getDouble(k)) / error).isBetween(0.6, 1.6);
      }
    }
  }

  @Test
  void theDeterminantByQuadrature() {
    double[] eigenvalues = decaying(60, 0.9);
    Dense matrix = withEigenvalues(eigenvalues);
    Curvature dense = Curvature.builder(matrix.layout()).dense(List.of("w"), matrix.matrix).build();
    DampedCurvature damped = dense.damped(0.5);
    double expected = Arrays.stream(eigenvalues).map(x -> Math.log(x + 0.5)).sum();
    assertThat(damped.logdet()).isCloseTo(expected, within(1e-9));
    Estimate estimate = TraceEstimator.logdet(damped, 40, 25, 7);
    assertThat(estimate.value()).isCloseTo(expected, within(3 * estimate.standardError()));
    assertThat(estimate.standardError()).isLessThan(0.1 * Math.abs(expected));
    assertThat(estimate.products()).isEqualTo(40 * 25);
    assertThatThrownBy(() -> TraceEstimator.logdet(withEigenvalues(1, -1, 2), 2, 3, 1))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("larger damping");
  }

  @Test
  void tooFewProductsAreRefused() {
    Dense matrix = withEigenvalues(1, 2, 3);
    assertThatThrownBy(() -> TraceEstimator.hutchinson(matrix, 1, 0)).hasMessageContaining("2");
    assertThatThrownBy(() -> TraceEstimator.hutchPlusPlus(matrix, 8, 0)).hasMessageContaining("8");
    assertThatThrownBy(() -> TraceEstimator.xTrace(matrix, 5, 0)).hasMessageContaining("5");
    assertThatThrownBy(() -> TraceEstimator.logdet(matrix, 1, 5, 0)).hasMessageContaining("1");
    assertThatThrownBy(() -> TraceEstimator.squaredFrobeniusNorm(matrix, 1, 0))
        .hasMessageContaining("1");
    assertThatThrownBy(() -> DiagonalEstimator.hutchinson(matrix, 1, 0)).hasMessageContaining("1");
    assertThatThrownBy(() -> DiagonalEstimator.diagPlusPlus(matrix, 4, 0))
        .hasMessageContaining("4");
    assertThatThrownBy(() -> Lanczos.density(matrix, 1, 1, 0)).hasMessageContaining("2 steps");
  }

  /** Neither do the numbers depend on ND4J's generator, nor does it move. */
  @Test
  void otherRandomNumbersStayWhatTheyAre() {
    Dense matrix = withEigenvalues(decaying(10, 0.8));
    Curvature c = Curvature.builder(matrix.layout()).dense(List.of("w"), matrix.matrix).build();
    Nd4j.getRandom().setSeed(77);
    INDArray before = Nd4j.rand(DataType.DOUBLE, 3);
    Nd4j.getRandom().setSeed(77);
    for (Estimator estimator : traces(matrix)) {
      assertThat(estimator.of.apply(1)).isEqualTo(estimator.of.apply(1));
    }
    assertThat(DiagonalEstimator.diagPlusPlus(matrix, 6, 1).value())
        .isEqualTo(DiagonalEstimator.diagPlusPlus(matrix, 6, 1).value());
    Lanczos.density(matrix, 5, 2, 1);
    TraceEstimator.logdet(c.damped(1), 2, 3, 1);
    c.sample(3, 0.1, new SplittableRandom(1));
    c.solve(random(2, 10), 0.1);
    new ConjugateGradients(1e-6, 50).solve(matrix, 0.1, random(2, 10));
    assertThat(Nd4j.rand(DataType.DOUBLE, 3)).isEqualTo(before);
  }
}
