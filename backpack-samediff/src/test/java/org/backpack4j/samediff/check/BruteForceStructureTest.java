package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;
import static org.backpack4j.samediff.check.BruteForceAssert.assertAgrees;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Networks of other shapes than a chain of dense layers, against explicit Jacobians. */
class BruteForceStructureTest {
  private static final double TOLERANCE = 1e-8;

  @Test
  @DisplayName("convolution, relu and max pooling: kinks near most entries are kept clear of")
  void convolutionalNet() {
    ConvolutionalNet net = new ConvolutionalNet(3);
    net.graph.loss().softmaxCrossEntropy("loss", net.labels, net.logits, null, LossReduce.SUM, 0);
    double[] ones = {1, 1, 1};

    assertAgrees(
        BruteForce.on(net.graph, net.feeds()),
        PlainLoss.crossEntropy(net.jacobian(), net.z(), net.classes(), ones),
        TOLERANCE,
        5);
  }

  @Test
  @DisplayName("a weight that is used twice: z = w² x")
  void sharedWeight() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 1);
    SDVariable w = graph.var("w", Nd4j.create(new double[][] {{1.5}}));
    graph.loss().meanSquaredError("loss", y, x.mmul(w).mmul(w), null);
    double[][] inputs = {{0.5}, {-1}, {2}, {0.25}};
    double[][] targets = {{1}, {0}, {-1}, {2}};
    double[][] z = new double[4][1];
    double[][][] jacobian = new double[4][1][1];
    for (int n = 0; n < 4; n++) {
      z[n][0] = 1.5 * 1.5 * inputs[n][0];
      jacobian[n][0][0] = 2 * 1.5 * inputs[n][0];
    }

    BruteForce brute =
        BruteForce.on(graph, Map.of("x", Nd4j.create(inputs), "y", Nd4j.create(targets)));

    assertAgrees(brute, PlainLoss.squaredError(jacobian, z, targets, 0.25), TOLERANCE);
    // Σ 2/N (z − y) ∂²z/∂w² is what the Hessian has beside the GGN.
    double more = 0;
    for (int n = 0; n < 4; n++) {
      more += 0.5 * (z[n][0] - targets[n][0]) * 2 * inputs[n][0];
    }
    assertThat(brute.hessianDiagonal(0)[0])
        .isCloseTo(brute.diagGgnExact(0)[0] + more, within(1e-8));
  }

  /** z [N·T, 2] = reshape(x [N, T, 3]) W, with labels [N·T, 2]. */
  private static SameDiff timeDistributed() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 2, 3);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable w = graph.var("W", Nd4j.linspace(DataType.DOUBLE, -1, 0.4, 6).reshape(3, 2));
    SDVariable z = x.reshape(-1, 3).mmul("z", w);
    graph.loss().meanSquaredError("loss", y, z, null, LossReduce.SUM);
    return graph;
  }

  private static Map<String, INDArray> sequences(double[][] inputs, double[][] targets) {
    return Map.of("x", Nd4j.create(inputs).reshape(3, 2, 3), "y", Nd4j.create(targets));
  }

  @Test
  @DisplayName("time folded into the sample axis: a sample owns T rows of the predictions")
  void timeIsFolded() {
    double[][] inputs = {
      {1, 2, 3}, {0.5, -1, 0}, {2, 0, 1}, {-1, -2, 1}, {0, 3, 1}, {0.1, 0.2, 0.3}
    };
    double[][] targets = {{1, 0}, {0, 1}, {0.5, 0.5}, {2, 1}, {0, 0}, {1, 1}};
    BruteForce brute = BruteForce.on(timeDistributed(), sequences(inputs, targets));

    assertThat(brute.samples()).isEqualTo(3);
    for (int i = 0; i < 3; i++) {
      double[] ggn = brute.batchDiagGgnExact("W", 2 * i);
      for (int n = 0; n < 3; n++) {
        double first = inputs[2 * n][i];
        double second = inputs[2 * n + 1][i];
        assertThat(ggn[n]).isCloseTo(2 * (first * first + second * second), within(TOLERANCE));
      }
    }
  }

  @Test
  @DisplayName("samples at axis 1 of inputs and predictions")
  void timeMajor() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, 2, -1);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, 2, -1);
    SDVariable w = graph.var("w", Nd4j.create(new double[][] {{0.5}, {2}}));
    graph.loss().meanSquaredError("loss", y, x.mul(w), null, LossReduce.SUM);
    INDArray inputs = Nd4j.create(new double[][] {{1, 2, 3}, {4, 5, 6}});
    INDArray targets = Nd4j.zeros(DataType.DOUBLE, 2, 3);

    BruteForce brute = BruteForce.on(graph, Map.of("x", inputs, "y", targets)).sampleAxis(1);

    assertThat(brute.samples()).isEqualTo(3);
    assertThat(brute.batchDiagGgnExact("w", 1))
        .containsExactly(new double[] {32, 50, 72}, within(TOLERANCE));
    assertThat(brute.gradientsOfEntry("w", 1))
        .containsExactly(new double[] {64, 100, 144}, within(TOLERANCE));
  }

  @Test
  @DisplayName("two heads, one computed from the other, each with a loss")
  void twoHeads() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 1);
    SDVariable w = graph.var("w", Nd4j.create(new double[][] {{0.5}}));
    SDVariable first = x.mul("first", w);
    SDVariable second = first.mul(first).mul("second", w);
    graph.loss().meanSquaredError("one", y, first, null, LossReduce.SUM);
    graph.loss().meanSquaredError("two", y, second, null, LossReduce.SUM);
    double[][] inputs = {{1}, {-2}, {3}};
    double[][] targets = {{0}, {1}, {2}};

    BruteForce brute =
        BruteForce.on(graph, Map.of("x", Nd4j.create(inputs), "y", Nd4j.create(targets)));

    double[] ggn = new double[3];
    double[] gradients = new double[3];
    for (int n = 0; n < 3; n++) {
      double u = inputs[n][0];
      double v = 3 * 0.25 * u * u;
      ggn[n] = 2 * (u * u + v * v);
      gradients[n] = 2 * (0.5 * u - targets[n][0]) * u + 2 * (0.125 * u * u - targets[n][0]) * v;
    }
    assertThat(brute.batchDiagGgnExact("w", 0)).containsExactly(ggn, within(TOLERANCE));
    assertThat(brute.gradientsOfEntry("w", 0)).containsExactly(gradients, within(TOLERANCE));
  }

  @Test
  @DisplayName("squared error between two outputs: both are predictions")
  void labelsFromTheNetwork() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable w = graph.var("w", Nd4j.create(new double[][] {{2}}));
    SDVariable v = graph.var("v", Nd4j.create(new double[][] {{0.5}}));
    graph.loss().meanSquaredError("loss", x.mul(v), x.mul(w), null, LossReduce.SUM);
    INDArray inputs = Nd4j.create(new double[][] {{1}, {2}});

    BruteForce brute = BruteForce.on(graph, Map.of("x", inputs)).parameters("w", "v");

    assertThat(brute.diagGgnExact(0, 1)).containsExactly(new double[] {10, 10}, within(TOLERANCE));
    assertThat(brute.gradientsOfEntry("v", 0))
        .containsExactly(new double[] {-3, -12}, within(TOLERANCE));
  }

  @Test
  @DisplayName("a mean over the batch in between: no gradient of one sample, but a GGN")
  void samplesThatInfluenceEachOther() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable w = graph.var("w", Nd4j.create(new double[] {2, 1}));
    SDVariable scaled = x.mul(w);
    SDVariable centred = scaled.sub(scaled.mean(true, 0));
    graph.loss().meanSquaredError("loss", y, centred, null, LossReduce.SUM);
    INDArray inputs = Nd4j.create(new double[][] {{1, 1}, {3, 0}, {5, 7}});

    BruteForce brute =
        BruteForce.on(graph, Map.of("x", inputs, "y", Nd4j.zeros(DataType.DOUBLE, 3, 2)));

    assertThatThrownBy(() -> brute.gradientsOfEntry("w", 0))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("depend on other samples");
    assertThat(brute.diagGgnExact("w", 0)).isCloseTo(2 * (4 + 0 + 4), within(TOLERANCE));
  }

  @Test
  @DisplayName("a loss that is no sum over samples has no parts")
  void lossThatCouplesSamples() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable w = graph.var("w", Nd4j.create(new double[][] {{2}}));
    SDVariable sum = x.mul("z", w).sum();
    sum.mul("loss", sum);
    graph.setLossVariables("loss");
    INDArray inputs = Nd4j.create(new double[][] {{1}, {2}});

    BruteForce brute = BruteForce.on(graph, Map.of("x", inputs)).predictions("z");

    assertThat(brute.diagGgnExact("w", 0)).isCloseTo(18, within(TOLERANCE));
    assertThatThrownBy(() -> brute.batchDiagGgnExact("w", 0))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("no sum over samples");
  }

  @Test
  @DisplayName("kinks of single samples, near and far, do not spoil the gradient of all")
  void kinksOfManySamples() {
    int samples = 200;
    double[] inputs = IntStream.range(0, samples).mapToDouble(n -> (n - 99.5) / 2000).toArray();
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 1);
    SDVariable b = graph.var("b", Nd4j.zeros(DataType.DOUBLE, 1));
    graph.loss().meanSquaredError("loss", y, graph.nn().relu(x.add(b), 0), null);
    Map<String, INDArray> feeds =
        Map.of(
            "x", Nd4j.createFromArray(inputs).reshape(samples, 1),
            "y", Nd4j.ones(DataType.DOUBLE, samples, 1));

    double expected =
        Arrays.stream(inputs).filter(v -> v > 0).map(v -> 2 * (v - 1)).sum() / samples;
    assertThat(BruteForce.on(graph, feeds).gradient("b", 0)).isCloseTo(expected, offset(1e-9));
  }

  @Test
  @DisplayName("at a kink there is no number, and the entry is named")
  void kink() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable y = graph.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable w = graph.var("w", Nd4j.create(new double[] {1, 1}));
    SDVariable b = graph.var("b", Nd4j.create(new double[] {0, 0}));
    SDVariable z = graph.nn().relu(x.mul(w).add(b), 0);
    graph.loss().meanSquaredError("loss", y, z, null, LossReduce.SUM);
    // Where the input is 0, so is what relu sees: a change of b counts on one side only.
    INDArray inputs = Nd4j.create(new double[][] {{1, 0}, {2, 3}});
    INDArray targets = Nd4j.create(new double[][] {{3, 3}, {3, 3}});
    BruteForce brute = BruteForce.on(graph, Map.of("x", inputs, "y", targets));

    assertThat(brute.diagGgnExact("b", 0)).isCloseTo(4, within(TOLERANCE));
    assertThat(brute.diagGgnExact("w", 1)).isCloseTo(18, within(TOLERANCE));
    assertThatThrownBy(() -> brute.diagGgnExact("b", 1))
        .isInstanceOf(UncertainException.class)
        .hasMessageContaining("b[1]")
        .hasMessageContaining("kink");
    assertThatThrownBy(() -> brute.gradientsOfEntry("b", 1)).isInstanceOf(UncertainException.class);
    assertThatThrownBy(brute::gradient).isInstanceOf(UncertainException.class);
  }
}
