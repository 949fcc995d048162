package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.backpack4j.dl4j.testing.Iteration;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** RReLU with the slopes of the very iteration. */
class RandomReluTest {
  private static final int N = 3;

  private final DataType before = Nd4j.defaultFloatingPointType();

  @BeforeEach
  void doublePrecision() {
    Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
  }

  @AfterEach
  void asBefore() {
    Nd4j.setDefaultDataTypes(before, before);
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static DenseLayer.Builder dense() {
    return new DenseLayer.Builder().nOut(5);
  }

  static Stream<Arguments> converted() {
    InputType rows = InputType.feedForward(4);
    InputType images = InputType.convolutional(5, 4, 1);
    ConvolutionLayer.Builder convolution =
        new ConvolutionLayer.Builder(2, 2).nOut(2).activation(new ActivationRReLU(0.1, 0.9));
    ConvolutionLayer.Builder channelsLast =
        new ConvolutionLayer.Builder(2, 2).nOut(2).activation(Activation.RRELU);
    channelsLast.dataFormat(CNN2DFormat.NHWC);
    return Stream.of(
        Arguments.of("rows", rows, dense().activation(Activation.RRELU).build(), dims(N, 4)),
        Arguments.of("by itself", rows, new ActivationLayer(Activation.RRELU), dims(N, 4)),
        Arguments.of("images", images, convolution.build(), dims(N, 1, 5, 4)),
        Arguments.of(
            "channels last",
            InputType.convolutional(5, 4, 1, CNN2DFormat.NHWC),
            channelsLast.build(),
            dims(N, 5, 4, 1)));
  }

  private static long[] dims(long... shape) {
    return shape;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void converted(String name, InputType input, Layer layer, long[] shape) {
    check(
        Nets.sequential(input, layer, dense().build(), output()),
        Nets.random(shape),
        Nets.classes(N, 3));
  }

  @Test
  void rowsOfSteps() {
    check(
        Nets.sequential(
            InputType.recurrent(2, 4),
            new SimpleRnn.Builder().nOut(3).build(),
            dense().activation(Activation.RRELU).build(),
            new SimpleRnn.Builder().nOut(3).build(),
            new GlobalPoolingLayer.Builder(PoolingType.SUM).build(),
            output()),
        Nets.random(N, 2, 4),
        Nets.classes(N, 3));
  }

  /** A frozen layer runs in evaluation mode, where M2.1 answers the maximum of x and the slope. */
  @Test
  void severalAndOneThatIsFrozen() {
    check(
        Nets.sequential(
            InputType.feedForward(4),
            new FrozenLayer(dense().nIn(4).activation(Activation.RRELU).build()),
            dense().activation(Activation.RRELU).build(),
            dense().activation(new ActivationRReLU(0.3, 0.6)).build(),
            output()),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  /** The gradient is that of DL4J's score, which DL4J's own is not; above it is DL4J's own. */
  private static void check(MultiLayerNetwork network, INDArray x, INDArray y) {
    for (Model net : new Model[] {network, network.toComputationGraph()}) {
      Iteration iteration = new Iteration(net, x, y);
      Map<String, INDArray> plain = iteration.gradient(null);
      try (BackPackListener listener =
          new BackPackListener(new BatchGrad(), new DiagGGNExact())
              .gradientTolerance(Double.MAX_VALUE)
              .verify(1, 2)) {
        Map<String, INDArray> gradient = iteration.watched(listener);
        assertThat(gradient).isEqualTo(plain);
        String last = last(listener);
        iteration.compare(last, listener, gradient);
        listener.outputs().keySet().stream()
            .filter(n -> n.endsWith(".grad"))
            .forEach(n -> compareWithScores(net, iteration, n, listener.outputs().get(n)));
      }
    }
  }

  private static String last(BackPackListener listener) {
    return listener.outputs().keySet().stream()
        .filter(n -> n.endsWith("_W.grad"))
        .map(n -> n.substring(0, n.lastIndexOf('.')))
        .reduce((a, b) -> b)
        .orElseThrow();
  }

  private static void compareWithScores(
      Model net, Iteration iteration, String name, INDArray gradient) {
    INDArray weights = net.paramTable().get(name.substring(0, name.lastIndexOf('.')));
    double value = weights.getDouble(0);
    double[] scores = new double[2];
    for (int k = 0; k < 2; k++) {
      weights.putScalar(0, value + (k == 0 ? 1e-5 : -1e-5));
      iteration.gradient(null);
      scores[k] = net.score() * N;
    }
    weights.putScalar(0, value);
    double derivative = (scores[0] - scores[1]) / 2e-5;
    assertThat(gradient.reshape(weights.shape()).getDouble(0))
        .as(name)
        .isCloseTo(derivative, Offset.offset(1e-7));
  }

  @Test
  void theComparisonTells() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), dense().activation(Activation.RRELU).build(), output());
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      new Iteration(net, Nets.random(N, 4), Nets.classes(N, 3)).watched(listener);
      assertThat(listener.latest().notes())
          .anySatisfy(
              n ->
                  assertThat(n)
                      .contains("takes 1 for the derivative of RReLU everywhere")
                      .contains("The score is DL4J's"));
    }
  }

  /** A test that begins to fail when a later DL4J can. */
  @Test
  void deeplearning4jFailsWhereTheDefaultTypeIsNotTheNetworks() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), dense().activation(Activation.RRELU).build(), output());
    Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
    Iteration iteration = new Iteration(net, Nets.random(N, 4), Nets.classes(N, 3));
    assertThatThrownBy(() -> iteration.gradient(null)).isInstanceOf(RuntimeException.class);
  }

  static Stream<Arguments> refused() {
    IActivation shared = Activation.RRELU.getActivationFunction();
    InputType rows = InputType.feedForward(4);
    String several = "several layers share its ActivationRReLU, which keeps what it drew for the";
    String output = "DL4J draws random numbers for its ActivationRReLU once for the gradient and";
    return Stream.of(
        Arguments.of(
            Nets.sequential(
                rows,
                dense().activation(shared).build(),
                dense().activation(shared).build(),
                output()),
            "layer \"1\" (DenseLayer): " + several),
        Arguments.of(
            Nets.sequential(
                rows,
                new OutputLayer.Builder(LossFunction.MSE)
                    .nOut(3)
                    .activation(Activation.RRELU)
                    .build()),
            "layer \"0\" (OutputLayer): " + output));
  }

  @ParameterizedTest
  @MethodSource
  void refused(MultiLayerNetwork net, String reason) {
    assertThatThrownBy(() -> new BackPackListener(new BatchGrad()).check(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining(reason);
  }

  /** DL4J keeps the slopes of the last step alone. */
  @Test
  void recurrentLayersAreRefused() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(2, 4),
            new SimpleRnn.Builder().nOut(3).activation(Activation.RRELU).build(),
            new GlobalPoolingLayer.Builder(PoolingType.SUM).build(),
            output());
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      new Iteration(net, Nets.random(N, 2, 4), Nets.classes(N, 3)).watched(listener);
      assertThatThrownBy(listener::outputs)
          .hasMessageContaining("layer \"0\" (SimpleRnn): its ActivationRReLU draws several times")
          .hasMessageContaining("use LEAKYRELU");
    }
  }

  @Test
  void aConversionByItselfHasNoIteration() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), dense().activation(Activation.RRELU).build(), output());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net))
        .hasMessageContaining("DL4J draws random numbers for its ActivationRReLU in each iteration")
        .hasMessageContaining("ask a BackPackListener");
  }
}
