package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Iteration;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.DropoutHelper;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling1D;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/** The masks of the very iteration. */
class DropoutTest {
  private static final int N = 3;
  private static final int T = 4;
  private static final INDArray X = Nets.random(N, 4);

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static RnnOutputLayer steps() {
    return new RnnOutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static DenseLayer.Builder dense() {
    return new DenseLayer.Builder().nOut(5);
  }

  private static IDropout scheduled() {
    return new Dropout(
        new MapSchedule.Builder(ScheduleType.ITERATION).add(0, 0.6).add(5, 0.3).build());
  }

  private static IDropout scheduledNoise() {
    return new GaussianNoise(
        new MapSchedule.Builder(ScheduleType.ITERATION).add(0, 0.6).add(5, 0.3).build());
  }

  static Stream<Arguments> ofRows() {
    return Stream.of(
        Arguments.of("dense", dense().dropOut(0.5).build()),
        Arguments.of("by a schedule", dense().dropOut(scheduled()).build()),
        Arguments.of("alpha", dense().dropOut(new AlphaDropout(0.6)).build()),
        Arguments.of("gaussian", dense().dropOut(new GaussianDropout(0.4)).build()),
        Arguments.of("noise", dense().dropOut(new GaussianNoise(0.3)).build()),
        Arguments.of("noise by a schedule", dense().dropOut(scheduledNoise()).build()),
        Arguments.of("noise by itself", new DropoutLayer(new GaussianNoise(0.3))),
        Arguments.of("by itself", new DropoutLayer(0.5)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void ofRows(String name, Layer layer) {
    Iteration.check(
        Nets.sequential(InputType.feedForward(4), dense().build(), layer, output()),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  static Stream<Arguments> ofImages() {
    return Stream.of(
        Arguments.of("convolution", new ConvolutionLayer.Builder(2, 2).nOut(2).dropOut(0.6)),
        Arguments.of(
            "channels",
            new ConvolutionLayer.Builder(2, 2).nOut(2).dropOut(new SpatialDropout(0.5))),
        Arguments.of(
            "noise", new ConvolutionLayer.Builder(2, 2).nOut(2).dropOut(new GaussianNoise(0.3))),
        Arguments.of(
            "pooling, which leaves noise out",
            new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                .kernelSize(2, 2)
                .dropOut(new GaussianNoise(0.3))),
        Arguments.of(
            "noise that other layers would forget",
            new Deconvolution2D.Builder(2, 2).nOut(2).dropOut(new GaussianNoise(0.3))),
        Arguments.of("depthwise", new DepthwiseConvolution2D.Builder(2, 2).dropOut(0.6)),
        Arguments.of("separable", new SeparableConvolution2D.Builder(2, 2).nOut(2).dropOut(0.6)),
        Arguments.of(
            "pooling, which leaves it out",
            new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                .kernelSize(2, 2)
                .dropOut(0.6)),
        Arguments.of("by itself", new DropoutLayer.Builder(0.5)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void ofImages(String name, Layer.Builder<?> layer) {
    Iteration.check(
        Nets.sequential(
            InputType.convolutional(5, 5, 1),
            new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
            layer.build(),
            output()),
        Nets.random(N, 1, 5, 5),
        Nets.classes(N, 3));
  }

  static Stream<Arguments> ofSequences() {
    return Stream.of(
        Arguments.of("LSTM", new LSTM.Builder().nOut(3).dropOut(0.6).build()),
        Arguments.of("SimpleRnn", new SimpleRnn.Builder().nOut(3).dropOut(0.6).build()),
        Arguments.of(
            "both directions",
            new Bidirectional(
                Bidirectional.Mode.ADD, new SimpleRnn.Builder().nOut(3).dropOut(0.6).build())),
        Arguments.of("noise", new LSTM.Builder().nOut(3).dropOut(new GaussianNoise(0.3)).build()),
        Arguments.of(
            "noise on rows of steps",
            new DenseLayer.Builder().nOut(3).dropOut(new GaussianNoise(0.3)).build()),
        Arguments.of(
            "noise over time",
            new Convolution1DLayer.Builder(1).nOut(3).dropOut(new GaussianNoise(0.3)).build()),
        Arguments.of("rows of steps", new DenseLayer.Builder().nOut(3).dropOut(0.6).build()),
        Arguments.of("by itself", new DropoutLayer(0.6)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void ofSequences(String name, Layer layer) {
    Iteration.check(
        Nets.sequential(
            InputType.recurrent(2, T), new SimpleRnn.Builder().nOut(2).build(), layer, steps()),
        Nets.random(N, 2, T),
        labels());
  }

  private static INDArray labels() {
    INDArray y = Nd4j.zeros(Nets.random(1).dataType(), N, 3, T);
    for (int n = 0; n < N; n++) {
      for (int t = 0; t < T; t++) {
        y.putScalar(n, (n + 2 * t) % 3, t, 1);
      }
    }
    return y;
  }

  static Stream<IDropout> insideTheLastStep() {
    return Stream.of(new Dropout(0.6), new GaussianNoise(0.3));
  }

  @ParameterizedTest
  @MethodSource
  void insideTheLastStep(IDropout dropout) {
    Iteration.check(
        Nets.sequential(
            InputType.recurrent(2, T),
            new SimpleRnn.Builder().nOut(2).build(),
            new LastTimeStep(new LSTM.Builder().nOut(3).dropOut(dropout).build()),
            output()),
        Nets.random(N, 2, T),
        Nets.classes(N, 3));
  }

  @Test
  void whatGlobalPoolingLeavesOut() {
    Iteration.check(
        Nets.sequential(
            InputType.recurrent(2, T),
            new SimpleRnn.Builder().nOut(2).build(),
            new GlobalPoolingLayer.Builder(PoolingType.SUM).dropOut(0.5).build(),
            output()),
        Nets.random(N, 2, T),
        Nets.classes(N, 3));
  }

  static Stream<Layer.Builder<?>> forgetful() {
    return Stream.of(
        new Convolution1DLayer.Builder(2).nOut(2),
        new Upsampling1D.Builder(2),
        new RepeatVector.Builder<>(2),
        new SpaceToDepthLayer.Builder<>(2),
        new Deconvolution2D.Builder(2, 2).nOut(2),
        new Convolution3D.Builder(2, 2, 2).nOut(2),
        new Deconvolution3D.Builder().kernelSize(2, 2, 2).nOut(2));
  }

  @ParameterizedTest
  @MethodSource
  void forgetful(Layer.Builder<?> builder) {
    Layer layer = builder.dropOut(0.5).build();
    MultiLayerNetwork net = Nets.sequential(inputOf(layer), layer, last(layer));
    assertThatThrownBy(() -> new BackPackListener(new BatchGrad()).check(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining(
            "layer \"0\" (" + layer.getClass().getSimpleName() + "): DL4J forgets")
        .hasMessageContaining("put a DropoutLayer before it");
  }

  private static InputType inputOf(Layer layer) {
    return switch (layer.getClass().getSimpleName()) {
      case "RepeatVector" -> InputType.feedForward(4);
      case "SpaceToDepthLayer", "Deconvolution2D" -> InputType.convolutional(4, 4, 1);
      case "Convolution3D", "Deconvolution3D" ->
          InputType.convolutional3D(Convolution3D.DataFormat.NDHWC, 3, 3, 3, 1);
      default -> InputType.recurrent(2, T);
    };
  }

  private static Layer last(Layer layer) {
    boolean series =
        layer instanceof RepeatVector || inputOf(layer) instanceof InputType.InputTypeRecurrent;
    return series ? steps() : output();
  }

  /** What is said of those layers: finite differences know the mask, DL4J's gradient does not. */
  @Test
  void deeplearning4jForgetsTheMaskOfAConvolutionOverTime() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(2, T),
            new SimpleRnn.Builder().nOut(2).build(),
            new Convolution1DLayer.Builder(2).nOut(2).dropOut(0.5).build(),
            new GlobalPoolingLayer.Builder(PoolingType.SUM).build(),
            output());
    Iteration iteration = new Iteration(net, Nets.random(N, 2, T), Nets.classes(N, 3));
    double gradient = iteration.gradient(null).get("0_W").getDouble(0, 0);
    INDArray weights = net.getLayer(0).getParam("W");
    double[] scores = new double[2];
    for (int k = 0; k < 2; k++) {
      weights.putScalar(0, 0, weights.getDouble(0, 0) + (k == 0 ? 1e-5 : -2e-5));
      iteration.gradient(null);
      scores[k] = net.score() * N;
    }
    double derivative = (scores[0] - scores[1]) / 2e-5;
    assertThat(Math.abs(gradient - derivative)).isGreaterThan(1e-3);
  }

  @Test
  void severalAndBesideFrozenLayers() {
    Iteration.check(
        Nets.sequential(
            InputType.feedForward(4),
            dense().dropOut(0.8).build(),
            new FrozenLayerWithBackprop(dense().nIn(5).build()),
            dense().dropOut(new AlphaDropout(0.7)).build(),
            new DropoutLayer(new GaussianNoise(0.3)),
            dense().dropOut(new GaussianNoise(0.3)).build(),
            new DropoutLayer(0.5),
            output()),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  /** What an output layer adds is there when the backward pass has been made. */
  @Test
  void noiseOfAnOutputLayer() {
    OutputLayer last = noisyOutput();
    Iteration.check(
        Nets.sequential(InputType.feedForward(4), dense().build(), last),
        Nets.random(N, 4),
        Nets.classes(N, 3));
    Iteration.check(
        Nets.sequential(InputType.feedForward(4), noisyOutput()),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  static Stream<IDropout> ofOutputs() {
    return Stream.of(new Dropout(0.5), new AlphaDropout(0.6), new GaussianDropout(0.4));
  }

  /** What an output layer drops is found by its input, which it keeps as it has changed it. */
  @ParameterizedTest
  @MethodSource
  void ofOutputs(IDropout dropout) {
    for (Activation below : new Activation[] {Activation.TANH, Activation.RELU}) {
      Iteration.check(
          Nets.sequential(
              InputType.feedForward(4),
              dense().activation(below).build(),
              new OutputLayer.Builder(LossFunction.MCXENT)
                  .nOut(3)
                  .activation(Activation.SOFTMAX)
                  .dropOut(dropout.clone())
                  .build()),
          Nets.random(N, 4),
          Nets.classes(N, 3));
    }
  }

  static Stream<IDropout> ofSteps() {
    return Stream.of(
        new Dropout(0.5), new AlphaDropout(0.6), new GaussianDropout(0.4), new GaussianNoise(0.3));
  }

  private static RnnOutputLayer steps(RNNFormat format, IDropout dropout) {
    return new RnnOutputLayer.Builder(LossFunction.MSE)
        .nOut(3)
        .activation(Activation.TANH)
        .dataFormat(format)
        .dropOut(dropout)
        .build();
  }

  /** An output layer of time series forgets what it drew, which is drawn once more. */
  @ParameterizedTest
  @MethodSource
  void ofSteps(IDropout dropout) {
    ofSteps(dropout, RNNFormat.NCW, N, T);
  }

  @ParameterizedTest
  @CsvSource({"NWC, 3, 4", "NCW, 1, 4", "NWC, 3, 1", "NCW, 1, 1"})
  void ofStepsInOtherShapes(RNNFormat format, int samples, int steps) {
    ofSteps(new Dropout(0.5), format, samples, steps);
  }

  private static void ofSteps(IDropout dropout, RNNFormat format, int n, int t) {
    boolean last = format == RNNFormat.NWC;
    Iteration.check(
        Nets.sequential(
            InputType.recurrent(2, t, format),
            new SimpleRnn.Builder().nOut(3).dataFormat(format).build(),
            steps(format, dropout.clone())),
        last ? Nets.random(n, t, 2) : Nets.random(n, 2, t),
        last ? Nets.random(n, t, 3) : Nets.random(n, 3, t));
  }

  /** Nothing is moved by drawing once more: the training is the same bit for bit. */
  @Test
  void ofStepsInATraining() {
    INDArray[] parameters = new INDArray[2];
    for (int k = 0; k < 2; k++) {
      MultiLayerNetwork net =
          Nets.sequential(
              InputType.recurrent(2, T),
              new SimpleRnn.Builder().nOut(4).dropOut(0.7).build(),
              steps(RNNFormat.NCW, new Dropout(0.5)));
      Nd4j.getRandom().setSeed(5);
      DataSet batch = new DataSet(Nets.random(N, 2, T), Nets.random(N, 3, T));
      Nd4j.getRandom().setSeed(7);
      try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
        if (k == 1) {
          net.setListeners(listener);
        }
        for (int step = 0; step < 3; step++) {
          net.fit(batch);
        }
        if (k == 1) {
          assertThat(listener.latest().iteration()).isEqualTo(2);
          assertThat(listener.latest().notes()).isEmpty();
        }
      }
      parameters[k] = net.params().dup();
    }
    assertThat(parameters[1]).isEqualTo(parameters[0]);
  }

  /** Which of several output layers draws first depends on the graph. */
  @Test
  void ofStepsBesideAnotherOutput() {
    ComputationGraph net =
        new ComputationGraph(
            Nets.builder()
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.recurrent(2, T))
                .addLayer("rnn", new SimpleRnn.Builder().nOut(3).build(), "in")
                .addLayer("a", steps(RNNFormat.NCW, new Dropout(0.5)), "rnn")
                .addLayer("b", steps(RNNFormat.NCW, null), "rnn")
                .setOutputs("a", "b")
                .build());
    net.init();
    assertThatThrownBy(() -> new BackPackListener(new BatchGrad()).check(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"a\" (RnnOutputLayer): its input passes a Dropout")
        .hasMessageContaining("put a DropoutLayer before the output layer instead");
  }

  private static CenterLossOutputLayer centres(IDropout dropout) {
    return new CenterLossOutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .lambda(0.1)
        .dropOut(dropout)
        .build();
  }

  @ParameterizedTest
  @MethodSource("ofSteps")
  void ofALayerWithCentres(IDropout dropout) {
    Iteration.check(
        Nets.sequential(InputType.feedForward(4), centres(dropout)),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  /** Ours is the derivative of the score, which the listener's own verification holds. */
  @Test
  void theBackwardPassOfALayerWithCentresForgetsItsDropout() {
    MultiLayerNetwork net =
        Nets.sequential(InputType.feedForward(4), dense().build(), centres(new Dropout(0.5)));
    Nd4j.getRandom().setSeed(3);
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact()).verify(1, 2)) {
      net.setListeners(listener);
      net.fit(new DataSet(Nets.random(N, 4), Nets.classes(N, 3)));
      assertThat(listener.get("0_W", BatchGrad.class).shape()).containsExactly(N, 4, 5);
      assertThat(listener.latest().notes())
          .anySatisfy(note -> assertThat(note).contains("CenterLossOutputLayer forgets"));
    }
  }

  /** Set once for the whole network, it is every layer's, the output layer's included. */
  @Test
  void ofTheWholeNetwork() {
    Iteration.check(
        Nets.sequential(
            Nets.builder().dropOut(0.6),
            InputType.feedForward(4),
            dense().build(),
            dense().activation(Activation.RELU).build(),
            output()),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  /** Loss layers have it too, and leave it out. */
  @Test
  void ofTheWholeNetworkWithALossLayer() {
    Iteration.check(
        Nets.sequential(
            Nets.builder().dropOut(0.6),
            InputType.feedForward(4),
            dense().build(),
            dense().nOut(3).activation(Activation.SOFTMAX).build(),
            new LossLayer.Builder(LossFunction.MCXENT).activation(Activation.IDENTITY).build()),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  /** Of an input of exactly 0 it cannot be told whether it was kept, and behind tanh it matters. */
  @Test
  void ofAnOutputLayerWithInputsOfZero() {
    MultiLayerNetwork net =
        Nets.sequential(
            Nets.builder().biasInit(0),
            InputType.feedForward(4),
            dense().build(),
            new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .dropOut(0.5)
                .build());
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      net.setListeners(listener);
      net.fit(new DataSet(Nets.random(N, 4).mul(0), Nets.classes(N, 3)));
      assertThatThrownBy(listener::latest)
          .hasMessageContaining("layer \"1\" (OutputLayer): its input has entries of exactly 0")
          .hasMessageContaining("put a DropoutLayer before it instead");
    }
  }

  /** What keeps everything, as imports of Keras models leave it, is no dropout: in any format. */
  @Test
  void whatKeepsEverythingIsNone() {
    for (IDropout all : new IDropout[] {new Dropout(1), new SpatialDropout(1)}) {
      assertThat(
              Dl4jConverter.obstacles(
                  Nets.sequential(
                      InputType.recurrent(4, T, RNNFormat.NWC),
                      new LSTM.Builder().nOut(3).dataFormat(RNNFormat.NWC).dropOut(all).build(),
                      new RnnOutputLayer.Builder(LossFunction.MSE)
                          .nOut(2)
                          .dataFormat(RNNFormat.NWC)
                          .dropOut(all)
                          .build())))
          .isEmpty();
    }
  }

  /** A frozen layer runs in evaluation mode, where nothing is dropped. */
  @Test
  void ofAFrozenLayerInTheFormatWithFeaturesLast() {
    Layer lstm = new LSTM.Builder().nOut(3).dataFormat(RNNFormat.NWC).dropOut(0.5).build();
    assertThat(
            Dl4jConverter.obstacles(
                Nets.sequential(
                    InputType.recurrent(4, T, RNNFormat.NWC),
                    new org.deeplearning4j.nn.conf.layers.misc.FrozenLayer(lstm),
                    new RnnOutputLayer.Builder(LossFunction.MSE)
                        .nOut(2)
                        .dataFormat(RNNFormat.NWC)
                        .build())))
        .isEmpty();
  }

  private static OutputLayer noisyOutput() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .dropOut(new GaussianNoise(0.3))
        .build();
  }

  /** It changes the scale alone: a person's own, for which there is no converter. */
  private static final class OwnDropout extends GaussianNoise {
    private static final long serialVersionUID = 1L;

    OwnDropout() {
      super(0.1);
    }
  }

  static Stream<Arguments> refused() {
    return Stream.of(
        Arguments.of(
            dense().dropOut(new OwnDropout()).build(),
            output(),
            "layer \"1\" (DenseLayer): there is no converter for OwnDropout, which its input"
                + " passes; switch it off while quantities are asked for"),
        Arguments.of(
            dense()
                .dropOut(
                    new AlphaDropout(
                        new MapSchedule.Builder(ScheduleType.ITERATION).add(0, 0.6).build()))
                .build(),
            output(),
            "layer \"1\" (DenseLayer): its input passes an AlphaDropout whose probability"
                + " changes"));
  }

  @ParameterizedTest
  @MethodSource
  void refused(Layer layer, Layer last, String reason) {
    MultiLayerNetwork net = Nets.sequential(InputType.feedForward(4), dense().build(), layer, last);
    assertThatThrownBy(() -> new BackPackListener(new BatchGrad()).check(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining(reason);
  }

  /** DL4J finds the helper in the first forward pass. */
  @Test
  void whatRunsInCudnnIsRefused() throws Exception {
    Dropout dropout = new Dropout(0.5);
    Field helper = Dropout.class.getDeclaredField("helper");
    helper.setAccessible(true);
    Class<?>[] kind = {DropoutHelper.class};
    helper.set(
        dropout, Proxy.newProxyInstance(getClass().getClassLoader(), kind, (p, m, args) -> null));
    MultiLayerNetwork net =
        Nets.sequential(InputType.feedForward(4), dense().dropOut(dropout).build(), output());
    assertThatThrownBy(() -> new BackPackListener(new BatchGrad()).check(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"0\" (DenseLayer): its Dropout runs in cuDNN")
        .hasMessageContaining("leave the cuDNN helpers out");
  }

  static Stream<Arguments> sumsThatAreNotKept() {
    SimpleRnn.Builder noisy = new SimpleRnn.Builder().nOut(3).dropOut(new GaussianNoise(0.1));
    return Stream.of(
        Arguments.of(
            new Bidirectional(noisy.build()),
            steps(),
            "layer \"0\" (Bidirectional): its input passes a GaussianNoise, of which only the layer"
                + " inside has the sum; put a DropoutLayer before it instead"));
  }

  @ParameterizedTest
  @MethodSource
  void sumsThatAreNotKept(Layer layer, Layer last, String reason) {
    MultiLayerNetwork net = Nets.sequential(InputType.recurrent(2, T), layer, last);
    assertThatThrownBy(() -> new BackPackListener(new BatchGrad()).check(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void lstmsWithFeaturesLastAreRefused() {
    LSTM lstm = new LSTM.Builder().nOut(3).dropOut(0.5).dataFormat(RNNFormat.NWC).build();
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(2, T, RNNFormat.NWC),
            lstm,
            new GlobalPoolingLayer.Builder(PoolingType.SUM).build(),
            output());
    assertThatThrownBy(() -> new BackPackListener(new BatchGrad()).check(net))
        .hasMessageContaining("layer \"0\" (LSTM): DL4J lays out")
        .hasMessageContaining("DropoutLayer");
  }

  @Test
  void aConversionByItselfHasNoIteration() {
    MultiLayerNetwork net =
        Nets.sequential(InputType.feedForward(4), dense().dropOut(0.5).build(), output());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"0\" (DenseLayer): its input passes a Dropout")
        .hasMessageContaining("ask a BackPackListener")
        .hasMessageContaining("dropOut(1.0)");
  }

  /** Of the noise only the sum is kept, which is that of the input in training. */
  @Test
  void noiseBehindRunningStatistics() {
    INDArray[] curvatures = new INDArray[2];
    for (int k = 0; k < 2; k++) {
      Nd4j.getRandom().setSeed(3);
      MultiLayerNetwork net =
          Nets.sequential(
              InputType.feedForward(4),
              dense().build(),
              new BatchNormalization.Builder().build(),
              dense().dropOut(k == 0 ? null : new GaussianNoise(1e-9)).build(),
              output());
      try (BackPackListener listener =
          new BackPackListener(new DiagGGNExact()).runningStatistics()) {
        net.addListeners(listener);
        net.fit(new DataSet(X.dup(), Nets.classes(N, 3)));
        curvatures[k] = listener.get("2_W", DiagGGNExact.class);
      }
    }
    double off = curvatures[1].sub(curvatures[0]).amaxNumber().doubleValue();
    assertThat(off).isLessThan(1e-6 * curvatures[0].amaxNumber().doubleValue());
  }
}
