package org.backpack4j.dl4j;

import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LocallyConnected1D;
import org.deeplearning4j.nn.conf.layers.LocallyConnected2D;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SpaceToBatchLayer;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling1D;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.Upsampling3D;
import org.deeplearning4j.nn.conf.layers.ZeroPadding1DLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPadding3DLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping1D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping3D;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

class ConvolutionalLayersTest {
  private static Layer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static Arguments named(String name, Layer layer) {
    return Arguments.of(name, layer);
  }

  static Stream<Arguments> ofImages() {
    return Stream.of(
        named("depthwise", new DepthwiseConvolution2D.Builder(2, 2).depthMultiplier(2).build()),
        named(
            "depthwise, same",
            new DepthwiseConvolution2D.Builder(3, 3)
                .convolutionMode(ConvolutionMode.Same)
                .stride(2, 2)
                .build()),
        named(
            "separable",
            new SeparableConvolution2D.Builder(2, 2).depthMultiplier(2).nOut(3).build()),
        named(
            "separable, same",
            new SeparableConvolution2D.Builder(3, 3)
                .nOut(3)
                .stride(2, 2)
                .convolutionMode(ConvolutionMode.Same)
                .hasBias(false)
                .build()),
        named("deconvolution", new Deconvolution2D.Builder(2, 2).stride(2, 2).nOut(3).build()),
        named(
            "deconvolution, same",
            new Deconvolution2D.Builder(3, 3)
                .stride(2, 2)
                .nOut(2)
                .convolutionMode(ConvolutionMode.Same)
                .build()),
        named(
            "deconvolution, padded",
            new Deconvolution2D.Builder(3, 2).stride(1, 2).padding(1, 0).nOut(2).build()),
        named("zero padding", new ZeroPaddingLayer.Builder(1, 2, 0, 1).build()),
        named("cropping", new Cropping2D.Builder(1, 0, 1, 1).build()),
        named("upsampling", new Upsampling2D.Builder().size(new int[] {2, 3}).build()),
        named("space to depth", new SpaceToDepthLayer.Builder<>(2).build()),
        named("prelu", new PReLULayer.Builder().inputShape(2, 4, 4).build()),
        named(
            "prelu, shared", new PReLULayer.Builder().inputShape(2, 4, 4).sharedAxes(2, 3).build()),
        named("global maximum", new GlobalPoolingLayer.Builder(PoolingType.MAX).build()),
        named("global average", new GlobalPoolingLayer.Builder(PoolingType.AVG).build()),
        named("global sum", new GlobalPoolingLayer.Builder(PoolingType.SUM).build()),
        named("global norm", new GlobalPoolingLayer.Builder(PoolingType.PNORM).pnorm(3).build()),
        named(
            "global, axes kept",
            new GlobalPoolingLayer.Builder(PoolingType.AVG).collapseDimensions(false).build()),
        named(
            "average pooling",
            new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG)
                .kernelSize(2, 2)
                .build()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void ofImages(String name, Layer layer) {
    Converted.check(
        Nets.sequential(
            InputType.convolutional(5, 5, 1),
            new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
            layer,
            output()),
        Nets.random(3, 1, 5, 5),
        Nets.classes(3, 3));
  }

  /** DL4J's own gradient takes the neighbours' scales for the channel's: near for small α. */
  @Test
  void localResponseNormalisation() {
    Converted.of(
            Nets.sequential(
                InputType.convolutional(4, 4, 2),
                new ConvolutionLayer.Builder(2, 2).nOut(6).build(),
                new LocalResponseNormalization.Builder().n(3).build(),
                output()),
            Nets.random(3, 2, 4, 4),
            Nets.classes(3, 3))
        .tolerance(1e-6)
        .check();
  }

  /** DL4J evaluates the layer by SameDiff, which goes wrong on the 'f' order of what comes in. */
  @Test
  void locallyConnected() {
    Converted.of(
            Nets.sequential(
                InputType.convolutional(4, 4, 1),
                new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
                new LocallyConnected2D.Builder()
                    .kernelSize(2, 2)
                    .nOut(2)
                    .activation(Activation.TANH)
                    .build(),
                output()),
            Nets.random(3, 1, 4, 4),
            Nets.classes(3, 3))
        .againstBruteForce()
        .check();
  }

  @Test
  void locallyConnectedSequences() {
    Converted.of(
            Nets.sequential(
                InputType.recurrent(2, 6, RNNFormat.NCW),
                new Convolution1DLayer.Builder(2).nOut(2).build(),
                new LocallyConnected1D.Builder()
                    .kernelSize(2)
                    .nOut(2)
                    .activation(Activation.TANH)
                    .build(),
                new GlobalPoolingLayer.Builder(PoolingType.SUM).build(),
                output()),
            Nets.random(3, 2, 6),
            Nets.classes(3, 3))
        .againstBruteForce()
        .check();
  }

  static Stream<Arguments> channelsLast() {
    CNN2DFormat last = CNN2DFormat.NHWC;
    return Stream.of(
        named("convolution", new ConvolutionLayer.Builder(2, 2).nOut(3).dataFormat(last).build()),
        named(
            "pooling",
            new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
                .kernelSize(2, 2)
                .dataFormat(last)
                .build()),
        named(
            "norm",
            new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.PNORM)
                .kernelSize(2, 2)
                .pnorm(2)
                .dataFormat(last)
                .build()),
        named("depthwise", new DepthwiseConvolution2D.Builder(2, 2).dataFormat(last).build()),
        named(
            "separable", new SeparableConvolution2D.Builder(2, 2).nOut(3).dataFormat(last).build()),
        named("deconvolution", new Deconvolution2D.Builder(2, 2).nOut(3).dataFormat(last).build()),
        named("zero padding", new ZeroPaddingLayer.Builder(1, 2, 0, 1).dataFormat(last).build()),
        named("cropping", new Cropping2D.Builder(1, 0, 1, 1).dataFormat(last).build()),
        named("upsampling", new Upsampling2D.Builder(2).dataFormat(last).build()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void channelsLast(String name, Layer layer) {
    Converted.check(
        Nets.sequential(
            InputType.convolutional(5, 4, 2, CNN2DFormat.NHWC),
            new ConvolutionLayer.Builder(2, 2).nOut(2).dataFormat(CNN2DFormat.NHWC).build(),
            layer,
            output()),
        Nets.random(3, 5, 4, 2),
        Nets.classes(3, 3));
  }

  static Stream<Arguments> ofSequences() {
    return Stream.of(
        named("convolution", new Convolution1DLayer.Builder(3).stride(2).nOut(3).build()),
        named(
            "convolution, same",
            new Convolution1DLayer.Builder(3)
                .nOut(3)
                .convolutionMode(ConvolutionMode.Same)
                .build()),
        named(
            "convolution, causal",
            new Convolution1DLayer.Builder(2)
                .nOut(3)
                .dilation(2)
                .convolutionMode(ConvolutionMode.Causal)
                .build()),
        named(
            "convolution, padded",
            new Convolution1DLayer.Builder(3).padding(1).nOut(2).hasBias(false).build()),
        named(
            "maximum",
            new Subsampling1DLayer.Builder(SubsamplingLayer.PoolingType.MAX, 2).stride(2).build()),
        named(
            "average",
            new Subsampling1DLayer.Builder(SubsamplingLayer.PoolingType.AVG, 3).stride(1).build()),
        named(
            "norm",
            new Subsampling1DLayer.Builder(SubsamplingLayer.PoolingType.PNORM, 3)
                .stride(2)
                .pnorm(3)
                .build()),
        named("zero padding", new ZeroPadding1DLayer.Builder(1, 2).build()),
        named("cropping", new Cropping1D.Builder(1, 2).build()),
        named("upsampling", new Upsampling1D.Builder(2).build()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void ofSequences(String name, Layer layer) {
    Converted.check(
        Nets.sequential(
            InputType.recurrent(2, 7, RNNFormat.NCW),
            new Convolution1DLayer.Builder(2).nOut(2).build(),
            layer,
            new GlobalPoolingLayer.Builder(PoolingType.SUM).build(),
            output()),
        Nets.random(3, 2, 7),
        Nets.classes(3, 3));
  }

  static Stream<Arguments> ofVolumes() {
    return Stream.of(
        named("convolution", new Convolution3D.Builder(2, 2, 2).nOut(2).build()),
        named(
            "convolution, same",
            new Convolution3D.Builder(2, 3, 2)
                .nOut(2)
                .stride(2, 1, 1)
                .convolutionMode(ConvolutionMode.Same)
                .build()),
        named("deconvolution", new Deconvolution3D.Builder().kernelSize(2, 2, 2).nOut(2).build()),
        named(
            "maximum",
            new Subsampling3DLayer.Builder(Subsampling3DLayer.PoolingType.MAX, new int[] {2, 1, 2})
                .stride(1, 1, 2)
                .build()),
        named(
            "average",
            new Subsampling3DLayer.Builder(Subsampling3DLayer.PoolingType.AVG, new int[] {2, 2, 1})
                .stride(2, 1, 1)
                .build()),
        named("zero padding", new ZeroPadding3DLayer.Builder(1, 0, 0, 1, 1, 1).build()),
        named("cropping", new Cropping3D.Builder(1, 0, 0, 1, 0, 0).build()),
        named("upsampling", new Upsampling3D.Builder(2).build()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void ofVolumes(String name, Layer layer) {
    Converted.check(
        Nets.sequential(
            InputType.convolutional3D(Convolution3D.DataFormat.NCDHW, 4, 4, 3, 1),
            new Convolution3D.Builder(2, 2, 1).nOut(2).build(),
            layer,
            new Convolution3D.Builder(1, 1, 1).nOut(3).build(),
            new GlobalPoolingLayer.Builder(PoolingType.SUM).build(),
            output()),
        Nets.random(2, 1, 4, 4, 3),
        Nets.classes(2, 3));
  }

  @Test
  void volumesAsRows() {
    Converted.check(
        Nets.sequential(
            InputType.convolutional3D(Convolution3D.DataFormat.NCDHW, 3, 3, 3, 1),
            new Convolution3D.Builder(2, 2, 2).nOut(2).build(),
            output()),
        Nets.random(2, 1, 3, 3, 3),
        Nets.classes(2, 3));
  }

  private static MultiLayerNetwork pixels(ILossFunction loss, Activation activation) {
    return Nets.sequential(
        InputType.convolutional(3, 4, 1),
        new ConvolutionLayer.Builder(2, 2).nOut(2).convolutionMode(ConvolutionMode.Same).build(),
        new CnnLossLayer.Builder(loss).activation(activation).build());
  }

  private static MultiDataSet batch(INDArray x, INDArray y, INDArray mask) {
    return new MultiDataSet(
        new INDArray[] {x}, new INDArray[] {y}, null, mask == null ? null : new INDArray[] {mask});
  }

  /** Each position has one of two classes. */
  private static INDArray classesOf(INDArray random) {
    INDArray second = random.gt(0).castTo(random.dataType());
    return Nd4j.concat(1, second.rsub(1), second);
  }

  static Stream<INDArray> masksOfPixels() {
    return Stream.of(
        null,
        Nd4j.createFromArray(new double[] {1, 0, 1}).reshape(3, 1),
        Nets.random(3, 3, 4).gt(0).castTo(DataType.DOUBLE),
        Nets.random(3, 1, 3, 4).gt(0).castTo(DataType.DOUBLE),
        Nets.random(3, 2, 3, 4).gt(0).castTo(DataType.DOUBLE));
  }

  @ParameterizedTest
  @MethodSource("masksOfPixels")
  void lossOfPixels(INDArray mask) {
    INDArray x = Nets.random(3, 1, 3, 4);
    INDArray weights = Nd4j.createFromArray(0.5, 2).reshape(1, 2);
    INDArray y = Nets.random(3, 2, 3, 4);
    for (ILossFunction loss : new ILossFunction[] {new LossMSE(), new LossMSE(weights)}) {
      Converted.of(pixels(loss, Activation.SIGMOID), batch(x, y, mask)).check();
    }
    if (mask == null || mask.rank() < 4 || mask.size(1) == 1) {
      INDArray classes = classesOf(Nets.random(3, 1, 3, 4));
      Converted.of(pixels(new LossMCXENT(weights), Activation.SOFTMAX), batch(x, classes, mask))
          .check();
    }
  }

  static Stream<Arguments> lossOfVolumes() {
    return Stream.of(
        Arguments.of(Convolution3D.DataFormat.NCDHW, null),
        Arguments.of(Convolution3D.DataFormat.NDHWC, null),
        Arguments.of(Convolution3D.DataFormat.NCDHW, new long[] {3, 1, 2, 3, 2}),
        Arguments.of(Convolution3D.DataFormat.NCDHW, new long[] {3, 2, 2, 3, 2}),
        Arguments.of(Convolution3D.DataFormat.NCDHW, new long[] {3, 1, 2, 1, 1}),
        Arguments.of(Convolution3D.DataFormat.NDHWC, new long[] {3, 2, 3, 2, 1}));
  }

  @ParameterizedTest
  @MethodSource
  void lossOfVolumes(Convolution3D.DataFormat format, long[] mask) {
    boolean last = format == Convolution3D.DataFormat.NDHWC;
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional3D(format, 2, 3, 2, 1),
            new Convolution3D.Builder(1, 1, 1).nOut(2).dataFormat(format).build(),
            new Cnn3DLossLayer.Builder(format)
                .lossFunction(LossFunction.MSE)
                .activation(Activation.SIGMOID)
                .build());
    INDArray x = last ? Nets.random(3, 2, 3, 2, 1) : Nets.random(3, 1, 2, 3, 2);
    INDArray y = last ? Nets.random(3, 2, 3, 2, 2) : Nets.random(3, 2, 2, 3, 2);
    INDArray m = mask == null ? null : Nets.random(mask).gt(0).castTo(DataType.DOUBLE);
    Converted.of(net, batch(x, y, m)).check();
  }

  @ParameterizedTest
  @EnumSource(CNN2DFormat.class)
  void blocksAsSamples(CNN2DFormat format) {
    boolean last = format == CNN2DFormat.NHWC;
    GraphBuilder graph =
        Nets.graph(InputType.convolutional(4, 3, 1, format))
            .addLayer(
                "a", new ConvolutionLayer.Builder(1, 1).nOut(2).dataFormat(format).build(), "in")
            .addLayer(
                "blocks",
                new SpaceToBatchLayer.Builder<>(new int[] {2, 2}, new int[][] {{1, 1}, {0, 1}})
                    .dataFormat(format)
                    .build(),
                "a")
            .addLayer(
                "b",
                new ConvolutionLayer.Builder(2, 1).nOut(2).dataFormat(format).build(),
                "blocks");
    String[] parts = new String[4];
    for (int k = 0; k < parts.length; k++) {
      parts[k] = "part" + k;
      graph.addVertex(parts[k], new UnstackVertex(k, parts.length), "b");
    }
    graph.addLayer("out", output(), parts).setOutputs("out");
    Converted.check(
        Nets.graph(graph),
        last ? Nets.random(3, 4, 3, 1) : Nets.random(3, 1, 4, 3),
        Nets.classes(3, 3));
  }
}
