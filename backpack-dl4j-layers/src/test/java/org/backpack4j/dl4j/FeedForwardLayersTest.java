package org.backpack4j.dl4j;

import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class FeedForwardLayersTest {
  private static OutputLayer softmax(int classes) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(classes)
        .activation(Activation.SOFTMAX)
        .build();
  }

  @Test
  void dense() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            new DenseLayer.Builder().nOut(3).hasBias(false).build(),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void denseWithLayerNormalisation() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).hasLayerNorm(true).build(),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void lossLayer() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(3).build(),
            new LossLayer.Builder(LossFunction.MSE).activation(Activation.SIGMOID).build()),
        Nets.random(4, 4),
        Nets.random(4, 3));
  }

  static Stream<ConvolutionLayer.Builder> convolutions() {
    return Stream.of(
        new ConvolutionLayer.Builder(3, 3),
        new ConvolutionLayer.Builder(3, 2).stride(2, 1).padding(1, 0),
        new ConvolutionLayer.Builder(3, 3).convolutionMode(ConvolutionMode.Same),
        new ConvolutionLayer.Builder(3, 3).convolutionMode(ConvolutionMode.Same).stride(2, 2),
        new ConvolutionLayer.Builder(2, 2).dilation(2, 2),
        new ConvolutionLayer.Builder(2, 2).hasBias(false));
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void convolution(ConvolutionLayer.Builder layer) {
    Converted.check(
        Nets.sequential(InputType.convolutional(6, 5, 2), layer.nOut(3).build(), softmax(3)),
        Nets.random(3, 2, 6, 5),
        Nets.classes(3, 3));
  }

  static Stream<SubsamplingLayer.Builder> poolings() {
    return Stream.of(
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {2, 2}),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {3, 3})
            .stride(1, 1),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {3, 3})
            .stride(2, 2)
            .convolutionMode(ConvolutionMode.Same),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {3, 3})
            .stride(2, 2)
            .padding(1, 1),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG, new int[] {2, 2}),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG, new int[] {3, 3})
            .stride(2, 2)
            .padding(1, 1),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG, new int[] {3, 3})
            .stride(2, 2)
            .padding(1, 1)
            .avgPoolIncludePadInDivisor(true),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG, new int[] {3, 3})
            .stride(2, 2)
            .convolutionMode(ConvolutionMode.Same),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.PNORM, new int[] {2, 2}).pnorm(2),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.PNORM, new int[] {3, 3})
            .pnorm(3)
            .stride(2, 2)
            .padding(1, 1),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.PNORM, new int[] {3, 3})
            .pnorm(1)
            .stride(1, 2)
            .convolutionMode(ConvolutionMode.Same));
  }

  @ParameterizedTest
  @MethodSource("poolings")
  void subsampling(SubsamplingLayer.Builder layer) {
    Converted.check(
        Nets.sequential(
            InputType.convolutional(6, 6, 2),
            new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
            layer.build(),
            softmax(3)),
        Nets.random(3, 2, 6, 6),
        Nets.classes(3, 3));
  }

  /**
   * A rectifier before it makes windows of zeros, whose norm has no derivative: DL4J takes zero.
   */
  @Test
  void normsOfZeros() {
    Converted.check(
        Nets.sequential(
            InputType.convolutional(6, 6, 2),
            new ConvolutionLayer.Builder(1, 1)
                .nOut(2)
                .biasInit(-0.5)
                .activation(Activation.RELU)
                .build(),
            new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.PNORM, new int[] {2, 2})
                .pnorm(2)
                .build(),
            softmax(3)),
        Nets.random(3, 2, 6, 6),
        Nets.classes(3, 3));
  }

  @Test
  void normsOfChannelsThatAreZero() {
    Converted.check(
        Nets.sequential(
            InputType.convolutional(4, 4, 2),
            new ConvolutionLayer.Builder(1, 1)
                .nOut(3)
                .biasInit(-0.8)
                .activation(Activation.RELU)
                .build(),
            new GlobalPoolingLayer.Builder(PoolingType.PNORM).pnorm(2).build(),
            softmax(3)),
        Nets.random(3, 2, 4, 4),
        Nets.classes(3, 3));
  }

  @Test
  void rowsAsImages() {
    Converted.check(
        Nets.sequential(
            InputType.convolutionalFlat(5, 4, 2),
            new ConvolutionLayer.Builder(3, 3).nOut(2).build(),
            softmax(3)),
        Nets.random(3, 40),
        Nets.classes(3, 3));
  }

  @ParameterizedTest
  @EnumSource(ElementWiseVertex.Op.class)
  void elementWise(ElementWiseVertex.Op op) {
    Converted.check(
        Nets.graph(
            Nets.graph(InputType.feedForward(4))
                .addLayer("a", new DenseLayer.Builder().nOut(3).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nOut(3).build(), "in")
                .addVertex("both", new ElementWiseVertex(op), "a", "b")
                .addLayer("out", softmax(3), "both")
                .setOutputs("out")),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void merge() {
    Converted.check(
        Nets.graph(
            Nets.graph(InputType.convolutional(5, 5, 1))
                .addLayer("a", new ConvolutionLayer.Builder(2, 2).nOut(2).build(), "in")
                .addLayer("b", new ConvolutionLayer.Builder(2, 2).nOut(1).build(), "in")
                .addVertex("both", new MergeVertex(), "a", "b")
                .addLayer("act", new ActivationLayer(Activation.SIGMOID), "both")
                .addLayer("out", softmax(3), "act")
                .setOutputs("out")),
        Nets.random(3, 1, 5, 5),
        Nets.classes(3, 3));
  }

  @Test
  void embedding() {
    INDArray words = Nd4j.createFromArray(new double[] {0, 3, 3, 1, 2}).reshape(5, 1);
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new EmbeddingLayer.Builder().nIn(4).nOut(5).hasBias(true).build(),
            softmax(3)),
        words,
        Nets.classes(5, 3));
  }

  @Test
  void elementWiseMultiplication() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new ElementWiseMultiplicationLayer.Builder().nIn(4).nOut(4).build(),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void prelu() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            new PReLULayer.Builder().inputShape(5).build(),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void autoEncoder() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4), new AutoEncoder.Builder().nOut(5).build(), softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void variationalAutoencoder() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            new VariationalAutoencoder.Builder()
                .nOut(3)
                .encoderLayerSizes(4, 6)
                .decoderLayerSizes(5)
                .pzxActivationFunction(Activation.SIGMOID)
                .build(),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void centerLoss() {
    Converted.of(
            Nets.sequential(
                InputType.feedForward(4),
                new DenseLayer.Builder().nOut(5).build(),
                new CenterLossOutputLayer.Builder(LossFunction.MCXENT)
                    .nOut(3)
                    .activation(Activation.SOFTMAX)
                    .alpha(0.1)
                    .lambda(0.3)
                    .build()),
            Nets.random(4, 4),
            Nets.classes(4, 3))
        .check();
  }

  @Test
  void frozenLayersAreNotTrainedAndStopTheGradient() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            new FrozenLayer(new DenseLayer.Builder().nIn(5).nOut(4).dropOut(0.5).build()),
            new DenseLayer.Builder().nOut(4).build(),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void frozenLayersWithBackpropPassTheGradient() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            new FrozenLayerWithBackprop(new DenseLayer.Builder().nIn(5).nOut(4).build()),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  /** σ(x W) + x, as a layer of one's own. */
  private static final class Residual extends SameDiffLayer {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLayer(
        SameDiff sd, SDVariable x, Map<String, SDVariable> parameters, SDVariable mask) {
      return sd.math().tanh(x.mmul(parameters.get("W"))).add(x);
    }

    @Override
    public void defineParameters(SDLayerParams parameters) {
      parameters.addWeightParam("W", 5, 5);
    }

    @Override
    public void initializeParameters(Map<String, INDArray> parameters) {
      parameters.get("W").assign(Nets.random(5, 5));
    }

    @Override
    public InputType getOutputType(int index, InputType input) {
      return input;
    }
  }

  /** x + sin x, as DL4J wants such a layer. */
  private static final class Wave extends SameDiffLambdaLayer {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLayer(SameDiff sd, SDVariable x) {
      return x.add(sd.math().sin(x));
    }

    @Override
    public InputType getOutputType(int index, InputType input) {
      return input;
    }
  }

  @Test
  void lambdaLayersAreInlined() {
    Converted.of(
            Nets.sequential(
                InputType.feedForward(4),
                new DenseLayer.Builder().nOut(5).build(),
                new Wave(),
                softmax(3)),
            Nets.random(4, 4),
            Nets.classes(4, 3))
        .againstBruteForce()
        .check();
  }

  /** DL4J evaluates the layer by SameDiff, which goes wrong on the 'f' order of what comes in. */
  @Test
  void sameDiffLayersAreInlined() {
    Converted.of(
            Nets.sequential(
                InputType.feedForward(4),
                new DenseLayer.Builder().nOut(5).build(),
                new Residual(),
                softmax(3)),
            Nets.random(4, 4),
            Nets.classes(4, 3))
        .againstBruteForce()
        .check();
  }
}
