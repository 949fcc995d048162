package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Iteration;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.conf.weightnoise.IWeightNoise;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** The parameters of the very iteration, and DL4J's gradient at them. */
class WeightNoiseTest {
  private static final int N = 3;
  private static final int T = 4;

  private static OutputLayer.Builder output() {
    return new OutputLayer.Builder(LossFunction.MCXENT).nOut(3).activation(Activation.SOFTMAX);
  }

  private static DenseLayer.Builder dense() {
    return new DenseLayer.Builder().nOut(5);
  }

  private static IWeightNoise normal(boolean biases, boolean added) {
    return new WeightNoise(new NormalDistribution(added ? 0 : 1, 0.3), biases, added);
  }

  static Stream<IWeightNoise> noises() {
    return Stream.of(
        new DropConnect(0.6),
        new DropConnect(0.6, true),
        normal(false, true),
        normal(true, true),
        normal(true, false));
  }

  @ParameterizedTest
  @MethodSource("noises")
  void everyKind(IWeightNoise noise) {
    Iteration.check(
        Nets.sequential(
            InputType.feedForward(4),
            dense().build(),
            dense().weightNoise(noise).build(),
            output().weightNoise(noise.clone()).build()),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  private static Arguments of(InputType input, BaseLayer.Builder<?> layer, long... shape) {
    Layer built = layer.weightNoise(new DropConnect(0.6)).build();
    return Arguments.of(built.getClass().getSimpleName(), input, built, shape);
  }

  @SuppressWarnings("deprecation") // people have GravesLSTM
  static Stream<Arguments> everyLayer() {
    InputType rows = InputType.feedForward(4);
    InputType images = InputType.convolutional(4, 4, 1);
    InputType volumes = InputType.convolutional3D(3, 3, 3, 1);
    InputType series = InputType.recurrent(2, T);
    return Stream.of(
        of(rows, dense(), N, 4),
        of(rows, new AutoEncoder.Builder().nOut(3), N, 4),
        of(images, new ConvolutionLayer.Builder(2, 2).nOut(2), N, 1, 4, 4),
        of(images, new DepthwiseConvolution2D.Builder(2, 2), N, 1, 4, 4),
        of(images, new Deconvolution2D.Builder(2, 2).nOut(2), N, 1, 4, 4),
        of(volumes, new Convolution3D.Builder(2, 2, 2).nOut(2), N, 1, 3, 3, 3),
        of(volumes, new Deconvolution3D.Builder().kernelSize(2, 2, 2).nOut(2), N, 1, 3, 3, 3),
        of(series, new Convolution1DLayer.Builder(2).nOut(2), N, 2, T),
        of(series, new LSTM.Builder().nOut(3), N, 2, T),
        of(series, new GravesLSTM.Builder().nOut(3), N, 2, T),
        of(series, new SimpleRnn.Builder().nOut(3), N, 2, T));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void everyLayer(String name, InputType input, Layer layer, long... shape) {
    boolean series = input instanceof InputType.InputTypeRecurrent;
    Layer sum = new GlobalPoolingLayer.Builder(PoolingType.SUM).build();
    Layer[] layers =
        series ? new Layer[] {layer, sum, output().build()} : new Layer[] {layer, output().build()};
    Iteration.check(Nets.sequential(input, layers), Nets.random(shape), Nets.classes(N, 3));
  }

  @Test
  void insideTheLastStep() {
    Iteration.check(
        Nets.sequential(
            InputType.recurrent(2, T),
            new LastTimeStep(new LSTM.Builder().nOut(3).weightNoise(new DropConnect(0.6)).build()),
            output().build()),
        Nets.random(N, 2, T),
        Nets.classes(N, 3));
  }

  /** A frozen layer has none: its weights are those of evaluation mode. */
  @Test
  void beforeAFrozenLayer() {
    FrozenLayer frozen = new FrozenLayer(dense().nIn(4).weightNoise(new DropConnect(0.6)).build());
    Iteration.check(
        Nets.sequential(
            InputType.feedForward(4),
            frozen,
            dense().weightNoise(new DropConnect(0.6)).build(),
            output().build()),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  static Stream<BaseLayer.Builder<?>> eachIterationHasItsOwn() {
    return Stream.of(
        dense(),
        new VariationalAutoencoder.Builder().encoderLayerSizes(3).decoderLayerSizes(3).nOut(2));
  }

  /** Whose gradient the listener compares with DL4J's. */
  @ParameterizedTest
  @MethodSource
  void eachIterationHasItsOwn(BaseLayer.Builder<?> layer) {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4),
            layer.weightNoise(new DropConnect(0.6)).build(),
            output().weightNoise(new DropConnect(0.6)).build());
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      net.setListeners(listener);
      for (int k = 0; k < 4; k++) {
        net.fit(new DataSet(Nets.random(N, 4), Nets.classes(N, 3)));
        assertThat(listener.outputs()).containsKey("1_W.grad_batch");
      }
    }
  }

  /** A test that begins to fail when a later DL4J can: then it belongs to the others. */
  @Test
  void deeplearning4jCannotChangeSeparableConvolutions() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(4, 4, 1),
            new SeparableConvolution2D.Builder(2, 2)
                .nOut(2)
                .weightNoise(new DropConnect(0.6))
                .build(),
            output().build());
    Iteration iteration = new Iteration(net, Nets.random(N, 1, 4, 4), Nets.classes(N, 3));
    assertThatThrownBy(() -> iteration.gradient(null)).isInstanceOf(RuntimeException.class);
  }

  private static final IWeightNoise OF_BIASES = new DropConnect(0.6, true);

  static Stream<Arguments> refused() {
    InputType rows = InputType.feedForward(4);
    InputType series = InputType.recurrent(2, T);
    RnnOutputLayer steps =
        new RnnOutputLayer.Builder(LossFunction.MSE).nOut(3).weightNoise(OF_BIASES).build();
    return Stream.of(
        Arguments.of(
            Nets.sequential(series, new SimpleRnn.Builder().nOut(3).build(), steps),
            "layer \"1\" (RnnOutputLayer): DL4J draws its weight noise once for the gradient and"
                + " once more for the score; leave weightNoise(…) out"),
        Arguments.of(
            Nets.sequential(
                series,
                new Bidirectional(new SimpleRnn.Builder().nOut(3).weightNoise(OF_BIASES).build()),
                new RnnOutputLayer.Builder(LossFunction.MSE).nOut(3).build()),
            "layer \"0\" (Bidirectional): its weights are changed at random (weight noise) inside"
                + " another layer; leave weightNoise(…) out"),
        Arguments.of(
            Nets.sequential(
                rows,
                new FrozenLayer(dense().nIn(4).weightNoise(OF_BIASES).build()),
                output().build()),
            "layer \"0\" (FrozenLayer): DL4J changes biases at random in evaluation mode too, and"
                + " does not keep them; let its weight noise leave biases out"));
  }

  @ParameterizedTest
  @MethodSource
  void refused(MultiLayerNetwork net, String reason) {
    assertThatThrownBy(() -> new BackPackListener(new BatchGrad()).check(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining(reason);
  }
}
