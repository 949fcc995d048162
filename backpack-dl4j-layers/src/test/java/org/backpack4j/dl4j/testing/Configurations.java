package org.backpack4j.dl4j.testing;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
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
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossCosineProximity;
import org.nd4j.linalg.lossfunctions.impl.LossHinge;
import org.nd4j.linalg.lossfunctions.impl.LossKLD;
import org.nd4j.linalg.lossfunctions.impl.LossL1;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMAPE;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossMSLE;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;
import org.nd4j.linalg.lossfunctions.impl.LossPoisson;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSquaredHinge;
import org.nd4j.linalg.lossfunctions.impl.LossWasserstein;

/**
 * Networks around one layer, vertex or loss each, whose settings are drawn from the space of their
 * values: the defaults, each other value, and any of them together.
 */
public final class Configurations {
  /** The number of samples. */
  public static final int N = 3;

  private static final int T = 5;
  private static final int F = 4;

  /** A network with a batch. */
  public record Case(Model net, INDArray x, INDArray y, String settings) {}

  private final Map<String, Function<Draws, Case>> kinds = new LinkedHashMap<>();

  private Configurations() {
    rows();
    images();
    series();
    volumes();
    losses();
    vertices();
  }

  /** For each kind what draws a case. */
  public static Map<String, Function<Draws, Case>> all() {
    return new Configurations().kinds;
  }

  // ---- how a network is made around a layer ----

  private interface Made {
    Layer of(Draws d);
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MSE).nOut(2).activation(Activation.TANH).build();
  }

  private static Case rows(Layer layer, INDArray x) {
    return sequential(InputType.feedForward(x.size(1)), x, layer, output());
  }

  private static Case sequential(InputType input, INDArray x, Layer... layers) {
    INDArray y = Nets.random(N, 2);
    return new Case(Nets.sequential(input, layers), x, y, text((Object[]) layers));
  }

  private static String text(Object... layers) {
    return java.util.Arrays.toString(layers);
  }

  private void ofRows(String name, Made layer) {
    kinds.put(name + " of rows", d -> rows(layer.of(d), d.numbers(N, F)));
  }

  private void ofImages(String name, Function<CNN2DFormat, Made> layer) {
    kinds.put(
        name + " of images",
        d -> {
          CNN2DFormat format = d.images();
          int height = d.between(4, 6);
          int width = d.between(4, 6);
          INDArray x =
              format == CNN2DFormat.NCHW
                  ? d.numbers(N, 3, height, width)
                  : d.numbers(N, height, width, 3);
          return sequential(
              InputType.convolutional(height, width, 3, format),
              x,
              layer.apply(format).of(d),
              output());
        });
  }

  private void ofSeries(String name, boolean stays, Function<RNNFormat, Made> layer) {
    kinds.put(
        name + " of series",
        d -> {
          RNNFormat format = d.series();
          INDArray x = format == RNNFormat.NCW ? d.numbers(N, F, T) : d.numbers(N, T, F);
          return series(
              InputType.recurrent(F, T, format), x, layer.apply(format).of(d), format, stays);
        });
  }

  /** Layers that know one format alone. */
  private void ofSteps(String name, Function<RNNFormat, Made> layer) {
    kinds.put(
        name + " of series",
        d ->
            series(
                InputType.recurrent(F, T),
                d.numbers(N, F, T),
                layer.apply(RNNFormat.NCW).of(d),
                RNNFormat.NCW,
                true));
  }

  private static Case series(
      InputType in, INDArray x, Layer layer, RNNFormat format, boolean stays) {
    if (!stays) {
      return sequential(in, x, layer, output());
    }
    Layer end =
        new RnnOutputLayer.Builder(LossFunction.MSE)
            .nOut(2)
            .dataFormat(format)
            .activation(Activation.TANH)
            .build();
    return withLabels(in, x, layer, end);
  }

  /** Labels of the shape of what the network answers. */
  private static Case withLabels(InputType in, INDArray x, Layer layer, Layer end) {
    MultiLayerNetwork net = Nets.sequential(in, layer, end);
    long[] shape = net.output(x.dup()).shape();
    return new Case(net, x, Nets.random(shape), text(layer, end));
  }

  private void ofVolumes(String name, Function<Convolution3D.DataFormat, Made> layer) {
    kinds.put(
        name + " of volumes",
        d -> {
          Convolution3D.DataFormat format = d.of(Convolution3D.DataFormat.values());
          INDArray x =
              format == Convolution3D.DataFormat.NCDHW
                  ? d.numbers(N, 2, 4, 5, 4)
                  : d.numbers(N, 4, 5, 4, 2);
          Layer end =
              new Cnn3DLossLayer.Builder(format)
                  .lossFunction(LossFunction.MSE)
                  .activation(Activation.TANH)
                  .build();
          return withLabels(
              InputType.convolutional3D(format, 4, 5, 4, 2), x, layer.apply(format).of(d), end);
        });
  }

  // ---- the layers ----

  private static BatchNormalization norm(Draws d, CNN2DFormat format) {
    return new BatchNormalization.Builder()
        .lockGammaBeta(d.yes())
        .gamma(d.of(1.0, 2.0, 0.0, -1.5))
        .beta(d.of(0.0, 0.3, -0.2))
        .eps(d.of(1e-5, 1e-2))
        .decay(d.of(0.9, 0.5))
        .useLogStd(d.yes())
        .dataFormat(format)
        .build();
  }

  private static ActivationLayer function(Draws d) {
    return new ActivationLayer.Builder().activation(d.activation()).build();
  }

  private void rows() {
    ofRows(
        "dense",
        d ->
            new DenseLayer.Builder()
                .nOut(d.between(1, 5))
                .hasBias(d.yes())
                .hasLayerNorm(d.yes())
                .activation(d.activation())
                .build());
    ofRows("activation", Configurations::function);
    ofRows("batch normalisation", d -> norm(d, d.images()));
    ofRows(
        "elementwise product",
        d ->
            new ElementWiseMultiplicationLayer.Builder()
                .nIn(F)
                .nOut(F)
                .activation(d.activation())
                .build());
    ofRows(
        "autoencoder", d -> new AutoEncoder.Builder().nOut(3).activation(d.activation()).build());
    ofRows(
        "variational autoencoder",
        d ->
            new VariationalAutoencoder.Builder()
                .nOut(2)
                .encoderLayerSizes(d.of(new int[] {3}, new int[] {3, 4}))
                .decoderLayerSizes(3)
                .pzxActivationFunction(d.of(Activation.IDENTITY, Activation.TANH))
                .activation(d.activation())
                .build());
    ofRows("PReLU", d -> new PReLULayer.Builder().inputShape(F).build());
    ofRows("frozen", d -> new FrozenLayer(norm(d, CNN2DFormat.NCHW)));
    kinds.put(
        "embedding",
        d ->
            sequential(
                InputType.feedForward(6),
                d.indices(6, N, 1),
                new EmbeddingLayer.Builder()
                    .nIn(6)
                    .nOut(3)
                    .hasBias(d.yes())
                    .activation(d.activation())
                    .build(),
                output()));
    kinds.put(
        "repeated rows",
        d -> {
          RNNFormat format = d.series();
          Layer layer = new RepeatVector.Builder<>(d.between(1, 4)).dataFormat(format).build();
          return series(InputType.feedForward(F), d.numbers(N, F), layer, format, true);
        });
  }

  private void images() {
    ofImages(
        "convolution",
        f ->
            d ->
                new ConvolutionLayer.Builder()
                    .kernelSize(d.ints(2, 1, 3))
                    .stride(d.ints(2, 1, 2))
                    .padding(d.ints(2, 0, 1))
                    .dilation(d.ints(2, 1, 2))
                    .convolutionMode(d.mode())
                    .hasBias(d.yes())
                    .nOut(2)
                    .dataFormat(f)
                    .activation(d.activation())
                    .build());
    ofImages(
        "depthwise convolution",
        f ->
            d ->
                new DepthwiseConvolution2D.Builder()
                    .kernelSize(d.ints(2, 1, 3))
                    .stride(d.ints(2, 1, 2))
                    .padding(d.ints(2, 0, 1))
                    .dilation(d.ints(2, 1, 2))
                    .convolutionMode(d.mode())
                    .hasBias(d.yes())
                    .depthMultiplier(d.between(1, 2))
                    .dataFormat(f)
                    .activation(d.activation())
                    .build());
    ofImages(
        "separable convolution",
        f ->
            d ->
                new SeparableConvolution2D.Builder()
                    .kernelSize(d.ints(2, 1, 3))
                    .stride(d.ints(2, 1, 2))
                    .padding(d.ints(2, 0, 1))
                    .dilation(d.ints(2, 1, 2))
                    .convolutionMode(d.mode())
                    .hasBias(d.yes())
                    .depthMultiplier(d.between(1, 2))
                    .nOut(2)
                    .dataFormat(f)
                    .activation(d.activation())
                    .build());
    ofImages(
        "transposed convolution",
        f ->
            d ->
                new Deconvolution2D.Builder()
                    .kernelSize(d.ints(2, 1, 3))
                    .stride(d.ints(2, 1, 2))
                    .padding(d.ints(2, 0, 1))
                    .dilation(d.ints(2, 1, 2))
                    .convolutionMode(d.mode())
                    .hasBias(d.yes())
                    .nOut(2)
                    .dataFormat(f)
                    .activation(d.activation())
                    .build());
    ofImages(
        "pooling",
        f ->
            d ->
                new SubsamplingLayer.Builder(d.of(SubsamplingLayer.PoolingType.values()))
                    .kernelSize(d.ints(2, 1, 3))
                    .stride(d.ints(2, 1, 2))
                    .padding(d.ints(2, 0, 1))
                    .dilation(d.of(new int[] {1, 1}, new int[] {2, 1}))
                    .convolutionMode(d.mode())
                    .pnorm(d.between(1, 3))
                    .eps(d.of(1e-8, 1e-3))
                    .avgPoolIncludePadInDivisor(d.yes())
                    .dataFormat(f)
                    .build());
    ofImages("batch normalisation", f -> d -> norm(d, f));
    ofImages("activation", f -> Configurations::function);
    ofImages(
        "local response normalisation",
        f ->
            d ->
                new LocalResponseNormalization.Builder()
                    .k(d.of(2.0, 1.0))
                    .n(d.of(5.0, 3.0, 2.0))
                    .alpha(d.of(1e-4, 0.5))
                    .beta(d.of(0.75, 0.5))
                    .dataFormat(f)
                    .build());
    ofImages(
        "upsampling",
        f -> d -> new Upsampling2D.Builder(2).size(d.ints(2, 1, 3)).dataFormat(f).build());
    ofImages(
        "zero padding",
        f -> d -> new ZeroPaddingLayer.Builder(d.ints(4, 0, 2)).dataFormat(f).build());
    ofImages("cropping", f -> d -> new Cropping2D.Builder(d.ints(4, 0, 1)).dataFormat(f).build());
    ofImages(
        "space to depth", f -> d -> new SpaceToDepthLayer.Builder<>(d.between(1, 2), f).build());
    ofImages("global pooling", f -> d -> global(d));
    ofImages("frozen", f -> d -> new FrozenLayer(norm(d, f)));
  }

  private static GlobalPoolingLayer global(Draws d) {
    return new GlobalPoolingLayer.Builder(d.of(PoolingType.values()))
        .pnorm(d.between(1, 3))
        .collapseDimensions(d.yes())
        .build();
  }

  private static LSTM lstm(Draws d, RNNFormat format) {
    return new LSTM.Builder()
        .nOut(3)
        .gateActivationFunction(d.activation())
        .forgetGateBiasInit(d.of(1.0, 0.0))
        .activation(d.activation())
        .dataFormat(format)
        .build();
  }

  private static SimpleRnn simple(Draws d, RNNFormat format) {
    return new SimpleRnn.Builder()
        .nOut(3)
        .hasLayerNorm(d.yes())
        .activation(d.activation())
        .dataFormat(format)
        .build();
  }

  @SuppressWarnings("deprecation") // it is, and people have it
  private static Layer recurrent(Draws d, RNNFormat format) {
    return d.made(
        () -> lstm(d, format),
        () -> simple(d, format),
        () ->
            new GravesLSTM.Builder()
                .nOut(2)
                .gateActivationFunction(d.activation())
                .activation(d.activation())
                .dataFormat(format)
                .build());
  }

  @SuppressWarnings("deprecation") // it is, and people have it
  private void series() {
    ofSeries("recurrent", true, f -> d -> recurrent(d, f));
    ofSeries(
        "both directions",
        true,
        f ->
            d ->
                new Bidirectional(
                    d.of(Bidirectional.Mode.values()),
                    (org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer) recurrent(d, f)));
    ofSeries("last step", false, f -> d -> new LastTimeStep(recurrent(d, f)));
    ofSeries("zeros skipped", true, f -> d -> new MaskZeroLayer(recurrent(d, f), 0));
    ofSeries(
        "older both directions",
        true,
        f ->
            d ->
                new GravesBidirectionalLSTM.Builder()
                    .nOut(2)
                    .activation(d.activation())
                    .dataFormat(f)
                    .build());
    ofSeries(
        "each step",
        true,
        f ->
            d ->
                new TimeDistributed(
                    new DenseLayer.Builder().nOut(2).activation(d.activation()).build(), f));
    ofSeries(
        "convolution",
        true,
        f ->
            d ->
                new Convolution1DLayer.Builder()
                    .kernelSize(d.between(1, 3))
                    .stride(d.between(1, 2))
                    .padding(d.between(0, 1))
                    .dilation(d.between(1, 2))
                    .convolutionMode(
                        d.of(
                            ConvolutionMode.Truncate, ConvolutionMode.Same, ConvolutionMode.Causal))
                    .hasBias(d.yes())
                    .nOut(2)
                    .rnnDataFormat(f)
                    .activation(d.activation())
                    .build());
    ofSteps(
        "pooling",
        f ->
            d ->
                new Subsampling1DLayer.Builder(
                        d.of(
                            SubsamplingLayer.PoolingType.MAX,
                            SubsamplingLayer.PoolingType.AVG,
                            SubsamplingLayer.PoolingType.PNORM))
                    .kernelSize(d.between(1, 3))
                    .stride(d.between(1, 2))
                    .padding(d.between(0, 1))
                    .convolutionMode(d.mode())
                    .pnorm(d.between(1, 3))
                    .build());
    ofSeries("activation", true, f -> Configurations::function);
    ofSteps("upsampling", f -> d -> new Upsampling1D.Builder(d.between(1, 3)).build());
    ofSteps("zero padding", f -> d -> new ZeroPadding1DLayer.Builder(d.ints(2, 0, 2)).build());
    ofSteps("cropping", f -> d -> new Cropping1D.Builder(d.ints(2, 0, 1)).build());
    ofSeries("global pooling", false, f -> d -> global(d));
    ofSteps("batch normalisation", f -> d -> norm(d, CNN2DFormat.NCHW));
    ofSteps("dense", f -> d -> new DenseLayer.Builder().nOut(2).activation(d.activation()).build());
    kinds.put(
        "embedded series",
        d -> {
          RNNFormat format = d.series();
          Layer layer =
              new EmbeddingSequenceLayer.Builder()
                  .nIn(6)
                  .nOut(3)
                  .hasBias(d.yes())
                  .inferInputLength(d.yes())
                  .inputLength(T)
                  .outputDataFormat(format)
                  .activation(d.activation())
                  .build();
          return series(InputType.feedForward(6), d.indices(6, N, T), layer, format, true);
        });
  }

  private void volumes() {
    ofVolumes(
        "convolution",
        f ->
            d ->
                new Convolution3D.Builder()
                    .kernelSize(d.ints(3, 1, 2))
                    .stride(d.ints(3, 1, 2))
                    .padding(d.ints(3, 0, 1))
                    .dilation(d.ints(3, 1, 2))
                    .convolutionMode(d.mode())
                    .hasBias(d.yes())
                    .nOut(2)
                    .dataFormat(f)
                    .activation(d.activation())
                    .build());
    ofVolumes(
        "transposed convolution",
        f ->
            d ->
                new Deconvolution3D.Builder()
                    .kernelSize(d.ints(3, 1, 2))
                    .stride(d.ints(3, 1, 2))
                    .padding(d.ints(3, 0, 1))
                    .convolutionMode(d.mode())
                    .hasBias(d.yes())
                    .nOut(2)
                    .dataFormat(f)
                    .activation(d.activation())
                    .build());
    ofVolumes(
        "pooling",
        f ->
            d ->
                new Subsampling3DLayer.Builder(
                        d.of(
                            org.deeplearning4j.nn.conf.layers.PoolingType.MAX,
                            org.deeplearning4j.nn.conf.layers.PoolingType.AVG))
                    .kernelSize(d.ints(3, 1, 2))
                    .stride(d.ints(3, 1, 2))
                    .padding(d.ints(3, 0, 1))
                    .convolutionMode(d.mode())
                    .dataFormat(f)
                    .build());
    ofVolumes(
        "upsampling",
        f -> d -> new Upsampling3D.Builder(2).size(d.ints(3, 1, 2)).dataFormat(f).build());
    ofVolumes("zero padding", f -> d -> new ZeroPadding3DLayer.Builder(d.ints(6, 0, 1)).build());
    ofVolumes("cropping", f -> d -> new Cropping3D.Builder(d.ints(6, 0, 1)).build());
    ofVolumes("global pooling", f -> d -> global(d));
    ofVolumes("batch normalisation", f -> d -> norm(d, CNN2DFormat.NCHW));
    ofVolumes("activation", f -> Configurations::function);
  }

  // ---- losses ----

  private static INDArray weights(Draws d, int columns) {
    return d.yes() ? null : d.numbers(1, columns).addi(1.5);
  }

  private static ILossFunction loss(Draws d, int c) {
    return d.made(
        () -> new LossMCXENT(d.of(1e-10, 0.0), weights(d, c)),
        () -> new LossNegativeLogLikelihood(weights(d, c)),
        () -> new LossBinaryXENT(d.of(1e-5, 0.0), weights(d, c)),
        () -> new LossMSE(weights(d, c)),
        () -> new LossL2(weights(d, c)),
        () -> new LossL1(weights(d, c)),
        () -> new LossMAE(weights(d, c)),
        () -> new LossMAPE(weights(d, c)),
        () -> new LossMSLE(weights(d, c)),
        LossHinge::new,
        LossSquaredHinge::new,
        LossKLD::new,
        LossPoisson::new,
        LossCosineProximity::new,
        LossWasserstein::new,
        () -> new LossSparseMCXENT(d.of(1e-10, 0.0), weights(d, c)));
  }

  private static INDArray labels(Draws d, ILossFunction loss, int c, long... shape) {
    if (loss instanceof LossSparseMCXENT) {
      long[] numbers = shape.clone();
      numbers[1] = 1;
      return d.indices(c, numbers);
    }
    if (loss instanceof LossHinge || loss instanceof LossSquaredHinge) {
      return d.indices(2, shape).muli(2).subi(1);
    }
    INDArray positive = d.numbers(shape).addi(1.1);
    // DL4J clips labels of a divergence, in its score alone
    return loss instanceof LossKLD || d.yes()
        ? positive.divi(positive.sum(true, 1).broadcast(shape))
        : positive.gt(1.1).castTo(positive.dataType());
  }

  /** What comes before the function of a loss, in bounds where the score clips logarithms. */
  private static IActivation below(Draws d, ILossFunction loss) {
    boolean clips =
        loss instanceof LossMCXENT || loss instanceof LossKLD || loss instanceof LossBinaryXENT;
    return clips ? Activation.TANH.getActivationFunction() : d.activation();
  }

  /** A function whose values the loss takes: logarithms of probabilities or of positive numbers. */
  private static IActivation function(Draws d, ILossFunction loss) {
    if (loss instanceof LossMCXENT || loss instanceof LossKLD) {
      return d.of(Activation.SOFTMAX, Activation.SIGMOID).getActivationFunction();
    }
    if (loss instanceof LossBinaryXENT) {
      return Activation.SIGMOID.getActivationFunction();
    }
    if (loss instanceof LossMSLE || loss instanceof LossPoisson) {
      return d.of(Activation.SIGMOID, Activation.SOFTPLUS).getActivationFunction();
    }
    return d.activation();
  }

  private static IActivation identity() {
    return Activation.IDENTITY.getActivationFunction();
  }

  private void losses() {
    int c = 3;
    kinds.put(
        "output layer",
        d -> {
          ILossFunction loss = loss(d, c);
          Layer out =
              new OutputLayer.Builder(loss)
                  .nOut(c)
                  .hasBias(d.yes())
                  .activation(function(d, loss))
                  .build();
          return new Case(
              Nets.sequential(InputType.feedForward(F), out),
              d.numbers(N, F),
              labels(d, loss, c, N, c),
              text(new Object[] {loss, out}));
        });
    kinds.put(
        "loss layer",
        d -> {
          ILossFunction loss = loss(d, c);
          boolean apart = d.yes();
          IActivation function = function(d, loss);
          Layer dense =
              new DenseLayer.Builder()
                  .nOut(c)
                  .activation(apart ? function : below(d, loss))
                  .build();
          Layer out = new LossLayer.Builder(loss).activation(apart ? identity() : function).build();
          return new Case(
              Nets.sequential(InputType.feedForward(F), dense, out),
              d.numbers(N, F),
              labels(d, loss, c, N, c),
              text(new Object[] {dense, loss, out}));
        });
    kinds.put(
        "loss of steps",
        d -> {
          ILossFunction loss = loss(d, c);
          Layer out =
              d.made(
                  () -> new RnnLossLayer.Builder(loss).activation(function(d, loss)).build(),
                  () ->
                      new RnnOutputLayer.Builder(loss)
                          .nOut(c)
                          .activation(function(d, loss))
                          .hasBias(d.yes())
                          .build());
          return new Case(
              Nets.sequential(
                  InputType.recurrent(c, T),
                  out instanceof RnnOutputLayer
                      ? new Layer[] {out}
                      : new Layer[] {lstm(d, RNNFormat.NCW), out}),
              d.numbers(N, c, T),
              labels(d, loss, c, N, c, T),
              text(new Object[] {loss, out}));
        });
    kinds.put(
        "loss of pixels",
        d -> {
          ILossFunction loss = loss(d, c);
          Layer conv =
              new ConvolutionLayer.Builder(2, 2).nOut(c).activation(below(d, loss)).build();
          Layer out = new CnnLossLayer.Builder(loss).activation(function(d, loss)).build();
          return new Case(
              Nets.sequential(InputType.convolutional(3, 4, 1), conv, out),
              d.numbers(N, 1, 3, 4),
              labels(d, loss, c, N, c, 2, 3),
              text(new Object[] {conv, loss, out}));
        });
  }

  // ---- vertices ----

  private void vertices() {
    kinds.put(
        "vertex of rows",
        d ->
            graph(
                d,
                InputType.feedForward(F),
                d.numbers(N, F),
                d.of(
                    new ScaleVertex(d.of(0.0, 1.0, -0.7)),
                    new ShiftVertex(d.of(0.0, 0.4)),
                    new SubsetVertex(d.between(0, 1), d.between(1, 3)),
                    new L2NormalizeVertex(null, d.of(1e-8, 1e-1)),
                    new L2NormalizeVertex(new int[] {1}, d.of(1e-8, 10.0)),
                    new ReshapeVertex(-1, F))));
    kinds.put(
        "vertex of several",
        d -> {
          GraphVertex vertex =
              d.of(
                  new ElementWiseVertex(d.of(ElementWiseVertex.Op.values())),
                  new MergeVertex(),
                  new L2Vertex(d.of(1e-8, 1e-2)));
          GraphBuilder b =
              Nets.graph(InputType.feedForward(F))
                  .addLayer(
                      "a",
                      new DenseLayer.Builder().nOut(3).activation(d.activation()).build(),
                      "in")
                  .addLayer(
                      "b",
                      new DenseLayer.Builder().nOut(3).activation(d.activation()).build(),
                      "in");
          boolean three = d.yes() && !(vertex instanceof L2Vertex);
          if (three) {
            b.addLayer(
                "c", new DenseLayer.Builder().nOut(3).activation(d.activation()).build(), "in");
            b.addVertex("v", vertex, "a", "b", "c");
          } else {
            b.addVertex("v", vertex, "a", "b");
          }
          b.addLayer("out", output(), "v").setOutputs("out");
          return new Case(
              Nets.graph(b), d.numbers(N, F), Nets.random(N, 2), vertex + " three " + three);
        });
    kinds.put(
        "stack",
        d -> {
          int size = d.between(1, 3);
          String[] all = new String[size];
          GraphBuilder b = Nets.graph(InputType.feedForward(F));
          for (int k = 0; k < size; k++) {
            all[k] = "a" + k;
            b.addLayer(all[k], new DenseLayer.Builder().nOut(3).build(), "in");
          }
          b.addVertex("stack", new StackVertex(), all)
              .addLayer(
                  "shared",
                  new DenseLayer.Builder().nOut(2).activation(d.activation()).build(),
                  "stack")
              .addVertex("part", new UnstackVertex(d.between(0, size - 1), size), "shared")
              .addLayer("out", output(), "part")
              .setOutputs("out");
          return new Case(Nets.graph(b), d.numbers(N, F), Nets.random(N, 2), "stack of " + size);
        });
    kinds.put(
        "vertex of images",
        d -> {
          GraphVertex vertex =
              d.of(
                  new PoolHelperVertex(),
                  new ScaleVertex(0.5),
                  new SubsetVertex(0, 1),
                  new L2NormalizeVertex(null, d.of(1e-8, 5.0)),
                  new L2NormalizeVertex(new int[] {1}, 1e-8),
                  new L2NormalizeVertex(new int[] {2, 3}, 1e-8));
          return graph(d, InputType.convolutional(4, 5, 3), d.numbers(N, 3, 4, 5), vertex);
        });
  }

  private static Case graph(Draws d, InputType input, INDArray x, GraphVertex vertex) {
    GraphBuilder b = Nets.graph(input);
    boolean rows = x.rank() == 2;
    Layer below =
        rows
            ? new DenseLayer.Builder().nOut(F).activation(d.activation()).build()
            : new ConvolutionLayer.Builder(1, 1).nOut(3).activation(d.activation()).build();
    b.addLayer("a", below, "in").addVertex("v", vertex, "a");
    b.addLayer("out", output(), "v").setOutputs("out");
    return new Case(Nets.graph(b), x, Nets.random(N, 2), below + " " + vertex);
  }
}
