package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.backpack4j.samediff.check.BruteForceAssert.assertAgrees;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A network with one hidden layer under all losses, against explicit Jacobians and Hessians. */
class BruteForceMlpTest {
  private static final double TOLERANCE = 2e-10;
  private static final int N = Mlp.SAMPLES;
  private static final int K = Mlp.OUTPUTS;

  private final Mlp mlp = new Mlp(DataType.DOUBLE, 42);

  private static double[] factor(double value) {
    double[] factor = new double[N];
    Arrays.fill(factor, value);
    return factor;
  }

  private ClosedForm crossEntropy(double factor) {
    return PlainLoss.crossEntropy(mlp.jacobian(), mlp.z(), mlp.classes(), factor(factor));
  }

  @Test
  void crossEntropyMean() {
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null);

    assertAgrees(
        BruteForce.on(mlp.graph, mlp.feeds(mlp.classes())), crossEntropy(1.0 / N), TOLERANCE);
  }

  @Test
  void crossEntropySum() {
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null, LossReduce.SUM, 0.0);

    assertAgrees(BruteForce.on(mlp.graph, mlp.feeds(mlp.classes())), crossEntropy(1), TOLERANCE, 7);
  }

  @Test
  @DisplayName("a loss for each sample is added up, as SameDiff does")
  void crossEntropyUnreduced() {
    mlp.graph
        .loss()
        .softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null, LossReduce.NONE, 0.0);

    assertAgrees(BruteForce.on(mlp.graph, mlp.feeds(mlp.classes())), crossEntropy(1), TOLERANCE, 7);
  }

  @Test
  void sparseLabels() {
    SDVariable classes = mlp.graph.placeHolder("classes", DataType.INT32, -1);
    mlp.graph.loss().sparseSoftmaxCrossEntropy("each", mlp.logits, classes).mean("loss");
    mlp.graph.setLossVariables("loss");
    Map<String, INDArray> feeds = new HashMap<>(mlp.feeds(mlp.classes()));
    feeds.remove("y");
    feeds.put("classes", Nd4j.createFromArray(0, 1, 2, 0, 1));

    assertAgrees(BruteForce.on(mlp.graph, feeds), crossEntropy(1.0 / N), TOLERANCE, 7);
  }

  @Test
  @DisplayName("weights of samples, one of them zero: the mean runs over the others")
  void weights() {
    SDVariable weights = mlp.graph.placeHolder("weights", DataType.DOUBLE, -1, 1);
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, weights);
    double[] w = {1, 0.5, 0, 2, 0.25};
    Map<String, INDArray> feeds = new HashMap<>(mlp.feeds(mlp.classes()));
    feeds.put("weights", Nd4j.createFromArray(w).reshape(N, 1));
    double[] factor = Arrays.stream(w).map(v -> v / 4).toArray();

    assertAgrees(
        BruteForce.on(mlp.graph, feeds),
        PlainLoss.crossEntropy(mlp.jacobian(), mlp.z(), mlp.classes(), factor),
        TOLERANCE,
        7);
  }

  @Test
  void squaredErrorMean() {
    mlp.graph.loss().meanSquaredError("loss", mlp.labels, mlp.logits, null);
    double[][] y = mlp.targets();

    assertAgrees(
        BruteForce.on(mlp.graph, mlp.feeds(y)),
        PlainLoss.squaredError(mlp.jacobian(), mlp.z(), y, 1.0 / (N * K)),
        TOLERANCE,
        7);
  }

  @Test
  void binaryCrossEntropyOfSeveralOutputs() {
    mlp.graph.loss().sigmoidCrossEntropy("loss", mlp.labels, mlp.logits, null);
    double[][] y = {{1, 0, 1}, {0, 0, 1}, {1, 1, 1}, {0, 1, 0}, {0.3, 0, 0.8}};

    assertAgrees(
        BruteForce.on(mlp.graph, mlp.feeds(y)),
        PlainLoss.sigmoidCrossEntropy(mlp.jacobian(), mlp.z(), y, 1.0 / (N * K)),
        TOLERANCE,
        7);
  }

  @Test
  @DisplayName("whole arrays have the entries that are had one by one")
  void wholeArrays() {
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null);
    BruteForce brute = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes())).parameters("W2", "b1");
    Map<String, INDArray> gradient = brute.gradient();
    Map<String, INDArray> second = brute.gradientOfSample(1);
    INDArray batch = brute.batchGrad("W2");

    assertThat(gradient).containsOnlyKeys("W2", "b1");
    assertThat(gradient.get("W2").shape()).containsExactly(Mlp.HIDDEN, K);
    assertThat(batch.shape()).containsExactly(N, Mlp.HIDDEN, K);
    assertThat(gradient.get("W2").getDouble(3, 1)).isEqualTo(brute.gradient("W2", 3 * K + 1));
    double[] entry = brute.gradientsOfEntry("W2", 3 * K + 1);
    assertThat(second.get("W2").getDouble(3, 1)).isEqualTo(entry[1]);
    double squares = 0;
    for (int n = 0; n < N; n++) {
      assertThat(batch.getDouble(n, 3, 1)).isEqualTo(entry[n]);
      squares += entry[n] * entry[n];
    }
    double mean = BruteForceAssert.sum(entry) / N;
    assertThat(brute.sumGradSquared("W2", 3 * K + 1)).isCloseTo(squares, within(1e-15));
    assertThat(brute.variance("W2", 3 * K + 1)).isCloseTo(squares / N - mean * mean, within(1e-15));
    assertThat(brute.batchL2("W2")[1])
        .isCloseTo(
            second.get("W2").norm2Number().doubleValue()
                * second.get("W2").norm2Number().doubleValue(),
            within(1e-12));
    // The entries of the chosen parameters are counted in the chosen order.
    assertThat(brute.diagGgnExact(Mlp.HIDDEN * K + 1)[0]).isEqualTo(brute.diagGgnExact("b1", 1));
  }

  @Test
  @DisplayName("a loss scaled and added to another of the same predictions: the factors count")
  void scaledAndAdded() {
    SDVariable first = mlp.graph.loss().softmaxCrossEntropy("ce", mlp.labels, mlp.logits, null);
    SDVariable second = mlp.graph.loss().meanSquaredError("se", mlp.labels, mlp.logits, null);
    first.mul(0.25).add("loss", second.mul(3));
    mlp.graph.setLossVariables("loss");

    BruteForce brute = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes()));
    ClosedForm one = crossEntropy(0.25 / N);
    ClosedForm two = PlainLoss.squaredError(mlp.jacobian(), mlp.z(), mlp.classes(), 3.0 / (N * K));
    int entry = 3;
    for (int n = 0; n < N; n++) {
      assertThat(brute.gradientsOfEntry("W1", entry)[n])
          .isCloseTo(one.gradient(n, entry) + two.gradient(n, entry), within(TOLERANCE));
      assertThat(brute.batchDiagGgnExact("W1", entry)[n])
          .isCloseTo(one.ggn(n, entry) + two.ggn(n, entry), within(TOLERANCE));
    }
  }

  @Test
  @DisplayName("a loss written out of simple ops, its predictions named")
  void writtenOut() {
    SDVariable difference = mlp.logits.sub(mlp.labels);
    difference.mul(difference).mean("loss");
    mlp.graph.setLossVariables("loss");
    double[][] y = mlp.targets();

    assertAgrees(
        BruteForce.on(mlp.graph, mlp.feeds(y)).predictions("logits"),
        PlainLoss.squaredError(mlp.jacobian(), mlp.z(), y, 1.0 / (N * K)),
        TOLERANCE,
        7);
  }

  @Test
  @DisplayName("a loss written out has gradients of the samples without the predictions")
  void writtenOutGradients() {
    SDVariable difference = mlp.logits.sub(mlp.labels);
    difference.mul(difference).mean(1).mean("loss");
    mlp.graph.setLossVariables("loss");
    double[][] y = mlp.targets();

    BruteForce brute = BruteForce.on(mlp.graph, mlp.feeds(y));
    ClosedForm closed = PlainLoss.squaredError(mlp.jacobian(), mlp.z(), y, 1.0 / (N * K));

    assertThat(brute.gradientsOfEntry("W1", 5))
        .containsExactly(closed.gradients(5), within(TOLERANCE));
    assertThat(brute.gradient("W1", 5))
        .isCloseTo(BruteForceAssert.sum(closed.gradients(5)), within(TOLERANCE));
  }

  @Test
  @DisplayName("an activity penalty beside a loss op: both terms are in the samples' gradients")
  void activityPenalty() {
    SDVariable squares = mlp.graph.math().square("squares", mlp.logits.mul(2));
    SDVariable data = mlp.graph.loss().softmaxCrossEntropy("ce", mlp.labels, mlp.logits, null);
    data.add("loss", squares.sum().div(4));
    mlp.graph.setLossVariables("loss");
    ClosedForm first = crossEntropy(1.0 / N);
    ClosedForm second = PlainLoss.squaredError(mlp.jacobian(), mlp.z(), new double[N][K], 1);

    BruteForce brute = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes()));

    for (int n = 0; n < N; n++) {
      assertThat(brute.gradientsOfEntry("W1", 7)[n])
          .isCloseTo(first.gradient(n, 7) + second.gradient(n, 7), within(TOLERANCE));
      assertThat(brute.batchDiagGgnExact("W1", 7)[n])
          .isCloseTo(first.ggn(n, 7) + second.ggn(n, 7), within(TOLERANCE));
    }
  }

  @Test
  @DisplayName("a penalty is in the gradient alone")
  void penalty() {
    SDVariable w1 = mlp.graph.getVariable("W1");
    SDVariable data = mlp.graph.loss().softmaxCrossEntropy("ce", mlp.labels, mlp.logits, null);
    data.add("loss", w1.mul(w1).sum().mul(0.5));
    mlp.graph.setLossVariables("loss");

    BruteForce brute = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes()));
    ClosedForm closed = crossEntropy(1.0 / N);
    double expected = w1.getArr().getDouble(2);
    double[] ggn = new double[N];
    for (int n = 0; n < N; n++) {
      expected += closed.gradient(n, 2);
      ggn[n] = closed.ggn(n, 2);
      assertThat(brute.gradientsOfEntry("W1", 2)[n])
          .isCloseTo(closed.gradient(n, 2), within(TOLERANCE));
    }
    assertThat(brute.gradient("W1", 2)).isCloseTo(expected, within(TOLERANCE));
    assertThat(brute.diagGgnExact(2)[0]).isCloseTo(BruteForceAssert.sum(ggn), within(TOLERANCE));
  }

  @Test
  @DisplayName("dropout that keeps everything is none, and draws no random numbers")
  void dropoutAtInference() {
    SDVariable kept = mlp.graph.nn().dropout("kept", mlp.logits, 1.0);
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, kept, null);
    Nd4j.getRandom().setSeed(5);
    double next = Nd4j.getRandom().nextDouble();
    Nd4j.getRandom().setSeed(5);

    BruteForce brute = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes()));

    assertThat(brute.batchDiagGgnExact("W1", 2))
        .containsExactly(crossEntropy(1.0 / N).ggns(2), within(TOLERANCE));
    assertThat(Nd4j.getRandom().nextDouble()).isEqualTo(next);
  }

  @Test
  @DisplayName("the Hessian's diagonal of a network that is linear in the parameter is its GGN's")
  void hessian() {
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null);
    BruteForce brute = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes()));

    for (int i = 0; i < Mlp.HIDDEN * K; i++) {
      assertThat(brute.hessianDiagonal("W2", i))
          .isCloseTo(brute.diagGgnExact("W2", i), within(1e-8));
    }
    assertThat(brute.hessianDiagonal("W1", 0))
        .isNotCloseTo(brute.diagGgnExact("W1", 0), within(1e-4));
  }

  @Test
  @DisplayName("a single-precision graph is differentiated in double precision")
  void singlePrecision() {
    Mlp single = new Mlp(DataType.FLOAT, 7);
    single.graph.loss().softmaxCrossEntropy("loss", single.labels, single.logits, null);

    assertAgrees(
        BruteForce.on(single.graph, single.feeds(single.classes())),
        PlainLoss.crossEntropy(single.jacobian(), single.z(), single.classes(), factor(1.0 / N)),
        TOLERANCE,
        7);
    assertThat(single.graph.getVariable("W1").getArr().dataType()).isEqualTo(DataType.FLOAT);
  }

  @Test
  @DisplayName(
      "several threads may ask at once: no number is taken while another moves a parameter")
  void threads() {
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null);
    BruteForce brute = BruteForce.on(mlp.graph, mlp.feeds(mlp.classes()));
    ClosedForm closed = crossEntropy(1.0 / N);

    double[] ggn =
        IntStream.range(0, 4).parallel().mapToDouble(i -> brute.diagGgnExact(i)[0]).toArray();

    for (int i = 0; i < 4; i++) {
      assertThat(ggn[i]).isCloseTo(BruteForceAssert.sum(closed.ggns(i)), within(TOLERANCE));
    }
  }

  @Test
  @DisplayName("parameters and feeds count as they were when brute force was set up")
  void snapshot() {
    mlp.graph.loss().softmaxCrossEntropy("loss", mlp.labels, mlp.logits, null);
    Map<String, INDArray> feeds = mlp.feeds(mlp.classes());
    BruteForce before = BruteForce.on(mlp.graph, feeds);
    INDArray w1 = mlp.graph.getVariable("W1").getArr();
    INDArray original = w1.dup();
    ClosedForm closed = crossEntropy(1.0 / N);
    w1.muli(2);
    feeds.get("x").muli(3);

    assertAgrees(before, closed, TOLERANCE, 7);
    assertThat(w1).isEqualTo(original.mul(2));
  }
}
