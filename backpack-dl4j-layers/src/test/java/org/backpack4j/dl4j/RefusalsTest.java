package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaVertex;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffOutputLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationGELU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.SameDiffLoss;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossCosineProximity;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossMixtureDensity;
import org.nd4j.linalg.lossfunctions.impl.LossMultiLabel;

/**
 * What is refused names the layer or vertex, the reason, and what to do. (Of dropout, truncated
 * backpropagation, output layers that are their own, and of layers on which DL4J itself fails: in
 * their tests.)
 */
class RefusalsTest {
  private static final int N = 3;

  /** A conversion, and what its refusal says. */
  private record Case(
      String name,
      Supplier<Dl4jConverter.Builder> conversion,
      String where,
      String reason,
      String remedy) {
    @Override
    public String toString() {
      return name;
    }
  }

  // ---- networks without input types, so that DL4J lets them pass ----

  private static MultiLayerNetwork plain(Layer... layers) {
    NeuralNetConfiguration.ListBuilder list = Nets.builder().list();
    Arrays.stream(layers).forEach(list::layer);
    MultiLayerNetwork net = new MultiLayerNetwork(list.validateOutputLayerConfig(false).build());
    net.init();
    return net;
  }

  private static ComputationGraph graph(GraphBuilder builder) {
    return Nets.graph(builder.validateOutputLayerConfig(false));
  }

  private static GraphBuilder begun() {
    return Nets.builder().graphBuilder().addInputs("in");
  }

  private static DenseLayer.Builder dense() {
    return new DenseLayer.Builder().nIn(4).nOut(4);
  }

  private static OutputLayer.Builder output(ILossFunction loss) {
    return new OutputLayer.Builder(loss).nIn(4).nOut(4);
  }

  private static OutputLayer output() {
    return output(new LossMSE()).build();
  }

  private static Dl4jConverter.Builder with(Model net, long... shape) {
    return Dl4jConverter.on(net).inputShapes(shape);
  }

  private static Dl4jConverter.Builder with(
      Model net, INDArray x, INDArray y, INDArray xm, INDArray ym) {
    return Dl4jConverter.on(net)
        .like(
            new MultiDataSet(
                new INDArray[] {x},
                new INDArray[] {y},
                xm == null ? null : new INDArray[] {xm},
                ym == null ? null : new INDArray[] {ym}));
  }

  private static INDArray ones(long... shape) {
    return Nd4j.ones(DataType.DOUBLE, shape);
  }

  // ---- classes that nobody has a converter for ----

  private static final class OwnLayer extends ActivationLayer {
    private static final long serialVersionUID = 1L;

    OwnLayer() {
      super(Activation.TANH);
    }
  }

  private static final class OwnVertex extends ScaleVertex {
    private static final long serialVersionUID = 1L;

    OwnVertex() {
      super(2);
    }
  }

  private static final class OwnPreprocessor extends CnnToFeedForwardPreProcessor {
    private static final long serialVersionUID = 1L;
  }

  private static final class OwnActivation extends ActivationTanH {
    private static final long serialVersionUID = 1L;
  }

  private static final class OwnLoss extends LossMSE {
    private static final long serialVersionUID = 1L;
  }

  private static final class OwnSameDiffLoss extends SameDiffLoss {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLoss(SameDiff sd, SDVariable output, SDVariable labels) {
      return labels.sub(output).mean(1);
    }
  }

  /** DL4J makes copies of the configuration, which a class that is not public cannot have. */
  private static final class OwnLambda extends SameDiffLambdaVertex {
    private static final long serialVersionUID = 1L;

    OwnLambda(int unused) {}

    @Override
    public SDVariable defineVertex(SameDiff sd, VertexInputs inputs) {
      return inputs.getInput(0);
    }

    @Override
    public GraphVertex clone() {
      throw new IllegalStateException("no copies");
    }
  }

  private static final class Nameless extends SameDiffOutputLayer {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLayer(
        SameDiff sd,
        SDVariable x,
        SDVariable labels,
        java.util.Map<String, SDVariable> parameters) {
      return x.sub(labels).sum();
    }

    @Override
    public String activationsVertexName() {
      return "nothing";
    }

    @Override
    public void defineParameters(SDLayerParams parameters) {}

    @Override
    public void initializeParameters(java.util.Map<String, INDArray> parameters) {}

    @Override
    public InputType getOutputType(int index, InputType input) {
      return input;
    }
  }

  static Stream<Case> withoutConverter() {
    String listed = "use one of those listed in docs/guide-dl4j.md";
    return Stream.of(
        first(
            new OwnLayer(),
            "there is no converter for a OwnLayer",
            "write it as a SameDiff layer",
            4),
        first(
            new FrozenLayer(new OwnLayer()),
            "there is no converter for a OwnLayer",
            "write it as a SameDiff layer",
            4),
        vertex(
            new OwnVertex(),
            "there is no converter for a OwnVertex",
            "write it as a SameDiff layer",
            4),
        vertex(
            new PreprocessorVertex(new OwnPreprocessor()),
            "there is no converter for the preprocessor OwnPreprocessor",
            listed,
            4),
        first(
            dense().activation(new OwnActivation()).build(),
            "there is no converter for the activation function OwnActivation",
            listed,
            4),
        new Case(
            "loss",
            () -> with(plain(dense().build(), output(new OwnLoss()).build()), 4),
            "layer \"1\" (OutputLayer)",
            "there is no converter for the loss function OwnLoss",
            listed));
  }

  /** A layer before an output layer. */
  private static Case first(Layer layer, String reason, String remedy, long... shape) {
    return of(layer, () -> with(plain(layer, output()), shape), reason, remedy);
  }

  /** A layer by itself: an output layer. */
  private static Case alone(Layer layer, String reason, String remedy, long... shape) {
    return of(layer, () -> with(plain(layer), shape), reason, remedy);
  }

  private static Case of(
      Layer layer, Supplier<Dl4jConverter.Builder> conversion, String reason, String remedy) {
    String kind = layer.getClass().getSimpleName();
    return new Case(kind + ": " + reason, conversion, "layer \"0\" (" + kind + ")", reason, remedy);
  }

  private static Case vertex(GraphVertex vertex, String reason, String remedy, long... shape) {
    String kind = vertex.getClass().getSimpleName();
    return new Case(
        kind + ": " + reason,
        () -> with(reshaped(vertex), shape),
        "vertex \"vertex\" (" + kind + ")",
        reason,
        remedy);
  }

  private static Case activation(IActivation function, String reason, String remedy) {
    return new Case(
        reason,
        () -> with(plain(dense().activation(function).build(), output()), 4),
        "layer \"0\" (DenseLayer)",
        reason,
        remedy);
  }

  static Stream<Case> settings() {
    return Stream.of(
        activation(
            Activation.RRELU.getActivationFunction(),
            "DL4J draws random numbers for its ActivationRReLU in each iteration",
            "use LEAKYRELU"),
        activation(new ActivationELU(0.5), "M2.1 trains ELU with α = 1", "leave α at 1"),
        activation(new ActivationGELU(true), "what M2.1 takes for the derivative", "use GELU"),
        activation(
            new ActivationReLU(null, 0.3, 0.1), "a ReLU that is not continuous", "THRESHOLDEDRELU"),
        activation(
            new ActivationReLU(0.0, null, null), "M2.1 ignores an upper bound", "leave the bound"),
        first(
            dense().weightNoise(new DropConnect(0.5)).build(),
            "its weights are changed at random in each iteration (weight noise)",
            "leave weightNoise(…) out",
            4),
        alone(
            output(new LossBinaryXENT()).activation(Activation.SOFTMAX).build(),
            "the binary cross-entropy behind a softmax has another gradient in DL4J than its score",
            "use MCXENT behind a softmax",
            4),
        alone(
            new CnnLossLayer.Builder(LossFunction.MSE).format(CNN2DFormat.NHWC).build(),
            "M2.1 takes its score from images with the channels first",
            "use CNN2DFormat.NCHW",
            3,
            3,
            2),
        alone(
            new RnnLossLayer.Builder(LossFunction.MSE).dataFormat(RNNFormat.NWC).build(),
            "DL4J takes the input for the labels",
            "use the format NCW",
            5,
            4),
        first(
            new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.SUM).build(),
            "pooling by SUM is not supported",
            "use MAX, AVG or PNORM",
            1,
            4,
            4),
        first(
            new Subsampling1DLayer.Builder(SubsamplingLayer.PoolingType.SUM, 2).build(),
            "pooling by SUM is not supported",
            "use MAX, AVG or PNORM",
            2,
            4),
        new Case(
            "pooling of sequences with the channels last",
            () -> {
              Subsampling1DLayer layer =
                  new Subsampling1DLayer.Builder(SubsamplingLayer.PoolingType.MAX, 2).build();
              layer.setCnn2dDataFormat(CNN2DFormat.NHWC);
              return with(plain(layer, output()), 4, 2);
            },
            "layer \"0\" (Subsampling1DLayer)",
            "sequences with the channels last are not supported",
            "use sequences [N, C, T]"),
        first(
            new MaskZeroLayer(
                new org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep(
                    new LSTM.Builder().nIn(2).nOut(4).dataFormat(RNNFormat.NWC).build()),
                0),
            "in the format NWC DL4J takes steps for features",
            "use the format NCW",
            3,
            2),
        vertex(
            new ReshapeVertex('f', new int[] {-1, 4}, null),
            "reshaping in 'f' order mixes samples",
            "reshape in 'c' order",
            4),
        vertex(
            new ReshapeVertex(N, 4),
            "its new shape fixes the number of samples",
            "let the new shape begin with -1",
            4),
        vertex(
            new ReshapeVertex(-1, 2),
            "its new shape does not keep the samples' entries together",
            "let the new shape hold as many entries for each sample",
            4));
  }

  private static ComputationGraph reshaped(GraphVertex vertex) {
    return graph(
        begun()
            .addVertex("vertex", vertex, "in")
            .addLayer("out", output(), "vertex")
            .setOutputs("out"));
  }

  static Stream<Case> shapes() {
    String layout = "let a preprocessor bring it into";
    return Stream.of(
        first(dense().build(), "its input has the shape [N, 4, 2], not [N, F]", layout, 4, 2),
        first(
            new ConvolutionLayer.Builder(2, 2).nIn(1).nOut(2).build(),
            "its input has the shape [N, 4], not that of images",
            layout,
            4),
        first(
            new Convolution3D.Builder(2, 2, 2).nIn(1).nOut(2).build(),
            "its input has the shape [N, 4], not that of volumes",
            layout,
            4),
        first(
            new Convolution1DLayer.Builder(2).nIn(1).nOut(2).build(),
            "its input has the shape [N, 4], not that of sequences",
            layout,
            4),
        first(
            new SimpleRnn.Builder().nIn(4).nOut(2).build(),
            "its input has the shape [N, 4], not that of time series",
            layout,
            4),
        first(
            new EmbeddingLayer.Builder().nIn(4).nOut(4).build(),
            "its input has the shape [N, 2], not one number for each sample",
            "use an EmbeddingSequenceLayer",
            2),
        first(
            new EmbeddingSequenceLayer.Builder()
                .nIn(4)
                .nOut(4)
                .inferInputLength(false)
                .inputLength(3)
                .build(),
            "its input has the shape [N, 2], not [N, T] or [N, 1, T] with T = inputLength",
            "set inputLength(T) or inferInputLength(true)",
            2),
        first(
            new TimeDistributed(new ConvolutionLayer.Builder(2, 2).nIn(1).nOut(2).build()),
            "not that of images",
            layout,
            4,
            2),
        first(
            new TimeDistributed(new RepeatVector.Builder<>(2).build()),
            "the layer inside answers [N, 4, 2], not rows",
            "use a layer on rows",
            4,
            3),
        alone(
            new LossLayer.Builder(LossFunction.MSE).build(),
            "its input has the shape [N, 1, 2, 2], not [N, F]",
            layout,
            1,
            2,
            2),
        new Case(
            "a loss of rows of steps",
            () ->
                with(
                    graph(
                        begun()
                            .addVertex(
                                "rows",
                                new PreprocessorVertex(new RnnToFeedForwardPreProcessor()),
                                "in")
                            .addLayer("out", output(), "rows")
                            .setOutputs("out")),
                    4,
                    2),
            "layer \"out\" (OutputLayer)",
            "its input has a row for each time step",
            "use an RnnOutputLayer or RnnLossLayer"),
        vertex(
            new PreprocessorVertex(new RnnToFeedForwardPreProcessor()),
            "its input has the shape [N, 1, 2, 2], not that of time series",
            "let it be fed time series",
            1,
            2,
            2),
        vertex(
            new PreprocessorVertex(new FeedForwardToRnnPreProcessor()),
            "its input has the shape [N, 1, 2, 2], not that of rows",
            "let a layer on rows come before it",
            1,
            2,
            2),
        vertex(
            new ReverseTimeSeriesVertex(),
            "its input has the shape [N, 4], not that of time series",
            layout,
            4),
        two(new ElementWiseVertex(ElementWiseVertex.Op.Add), "its inputs have different shapes"),
        two(new StackVertex(), "its inputs have different shapes"),
        new Case(
            "rows of steps and of samples",
            () ->
                Dl4jConverter.on(
                        graph(
                            Nets.builder()
                                .graphBuilder()
                                .addInputs("series", "row")
                                .addVertex(
                                    "rows",
                                    new PreprocessorVertex(new RnnToFeedForwardPreProcessor()),
                                    "series")
                                .addVertex("both", new MergeVertex(), "rows", "row")
                                .addLayer("out", output(), "both")
                                .setOutputs("out")))
                    .inputShapes(new long[] {2, 3}, new long[] {2}),
            "vertex \"both\" (MergeVertex)",
            "its inputs are time series in rows and not",
            "bring them into the same layout first"),
        alone(
            output(LossMixtureDensity.builder().gaussians(2).labelWidth(2).build()).build(),
            "it has 4 outputs for 2 mixtures and labels of 2",
            "let nOut be (labelWidth + 2) · gaussians",
            4),
        new Case(
            "no output layer",
            () -> with(plain(dense().build()), 4),
            "output \"0\"",
            "it has no loss",
            "let outputs be output layers"),
        new Case(
            "no such activations",
            () -> with(plain(dense().build(), new Nameless()), ones(N, 4), ones(N, 4), null, null),
            "layer \"1\" (Nameless)",
            "it defines no variable \"nothing\"",
            "name one in activationsVertexName()"),
        new Case(
            "a lambda that cannot be copied",
            () -> {
              ComputationGraph net =
                  graph(
                      begun()
                          .addLayer("a", dense().build(), "in")
                          .addVertex("vertex", new ScaleVertex(1), "a")
                          .addLayer("out", output(), "vertex")
                          .setOutputs("out"));
              net.getConfiguration().getVertices().put("vertex", new OwnLambda(0));
              return with(net, 4);
            },
            "vertex \"vertex\" (OwnLambda)",
            "a SameDiffLambdaVertex can be inlined only if it can be copied",
            "make the class public"));
  }

  private static Case two(GraphVertex vertex, String reason) {
    return new Case(
        vertex.getClass().getSimpleName(),
        () ->
            Dl4jConverter.on(
                    graph(
                        Nets.builder()
                            .graphBuilder()
                            .addInputs("a", "b")
                            .addVertex("vertex", vertex, "a", "b")
                            .addLayer("out", output(), "vertex")
                            .setOutputs("out")))
                .inputShapes(new long[] {4}, new long[] {3}),
        "vertex \"vertex\" (" + vertex.getClass().getSimpleName() + ")",
        reason,
        "bring them to the same shape first");
  }

  private static Case maskOfOutputs(ILossFunction loss, Activation activation, String reason) {
    return masked(
        reason,
        "mask whole rows",
        ones(N, 4),
        ones(N, loss instanceof LossMixtureDensity ? 2 : 4),
        null,
        ones(N, 4),
        output(loss).activation(activation).build());
  }

  /** A network whose first layer is given a mask. */
  private static Case masked(
      String reason,
      String remedy,
      INDArray x,
      INDArray y,
      INDArray xm,
      INDArray ym,
      Layer... layers) {
    return of(layers[0], () -> with(plain(layers), x, y, xm, ym), reason, remedy);
  }

  static Stream<Case> masks() {
    return Stream.of(
        maskOfOutputs(
            new LossMCXENT(), Activation.SOFTMAX, "DL4J has no mask of single outputs behind a"),
        maskOfOutputs(
            new LossCosineProximity(), Activation.TANH, "DL4J has no mask of single outputs for"),
        maskOfOutputs(
            new LossMultiLabel(), Activation.TANH, "DL4J masks the gradient of single outputs"),
        maskOfOutputs(
            LossMixtureDensity.builder().gaussians(1).labelWidth(2).build(),
            Activation.IDENTITY,
            "its loss has no terms for single outputs"),
        maskOfOutputs(
            new OwnSameDiffLoss(), Activation.TANH, "its loss has no terms for single outputs"),
        new Case(
            "an output that SameDiff defines",
            () ->
                with(
                    plain(dense().build(), new Nameless()),
                    ones(N, 4),
                    ones(N, 4),
                    null,
                    ones(N, 1)),
            "layer \"1\" (Nameless)",
            "DL4J leaves masks of its labels out",
            "train without labels' masks"),
        masked(
            "its mask has the shape [N, 1, 3, 1]",
            "let it be [N, 1], [N, H, W]",
            ones(N, 2, 3, 3),
            ones(N, 2, 3, 3),
            null,
            ones(N, 1, 3, 1),
            new CnnLossLayer.Builder(LossFunction.MSE).build()),
        masked(
            "its mask has the shape [N, 1, 3, 3]",
            "let it have as many axes as the labels",
            ones(N, 2, 2, 3, 3),
            ones(N, 2, 2, 3, 3),
            null,
            ones(N, 1, 3, 3),
            new Cnn3DLossLayer.Builder(Convolution3D.DataFormat.NCDHW)
                .lossFunction(LossFunction.MSE)
                .build()),
        masked(
            "a mask of the features reaches it, and in the format NWC DL4J takes steps for"
                + " features",
            "use the format NCW",
            ones(N, 4, 2),
            ones(N, 4, 2),
            ones(N, 4),
            ones(N, 4),
            new Convolution1DLayer.Builder(2)
                .nIn(2)
                .nOut(4)
                .rnnDataFormat(RNNFormat.NWC)
                .convolutionMode(ConvolutionMode.Same)
                .build(),
            new RnnOutputLayer.Builder(LossFunction.MSE)
                .nIn(4)
                .nOut(2)
                .dataFormat(RNNFormat.NWC)
                .build()),
        masked(
            "masks of which are not supported",
            "pool time series [N, F, T] over their steps",
            ones(N, 2, 4),
            ones(N, 4),
            ones(N, 4),
            null,
            new GlobalPoolingLayer.Builder(PoolingType.SUM).poolingDimensions(1).build(),
            output()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource({"withoutConverter", "settings", "shapes", "masks"})
  void everyRefusalTellsWhereWhyAndWhatToDo(Case refused) {
    assertThatThrownBy(() -> refused.conversion().get().convert())
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining(refused.where() + ": ")
        .hasMessageContaining(refused.reason())
        .hasMessageContaining(refused.remedy());
  }

  /** The mask is one of the stack, whose samples are an axis behind that of its inputs. */
  @Test
  void dropoutOfAStack() {
    ComputationGraph net =
        graph(
            begun()
                .addLayer("a", dense().build(), "in")
                .addLayer("b", dense().build(), "in")
                .addVertex("stack", new StackVertex(), "a", "b")
                .addLayer("out", dense().dropOut(0.5).build(), "stack")
                .addVertex("first", new org.deeplearning4j.nn.conf.graph.UnstackVertex(0, 2), "out")
                .addLayer("loss", output(), "first")
                .setOutputs("loss"));
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      net.setListeners(listener);
      net.fit(new MultiDataSet(Nets.random(N, 4), Nets.random(N, 4)));
      assertThatThrownBy(listener::outputs)
          .hasMessageContaining("layer \"out\" (DenseLayer): what DL4J drew for its Dropout")
          .hasMessageContaining("put a DropoutLayer before it instead");
    }
  }

  // ---- what is asked for in a wrong way ----

  @Test
  void onlyNetworksAreConverted() {
    Model layer = plain(dense().build(), output()).getLayer(0);
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(layer))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Only a ComputationGraph or a MultiLayerNetwork can be converted")
        .hasMessageContaining("feedforward.dense.DenseLayer");
  }

  @Test
  void shapesThatTheConfigurationDoesNotTellAreAskedFor() {
    MultiLayerNetwork net =
        plain(
            new ConvolutionLayer.Builder(2, 2).nIn(1).nOut(4).build(),
            new CnnLossLayer.Builder(LossFunction.MSE).build());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("does not tell the shape of input \"input\"")
        .hasMessageContaining("inputShapes(…)");
  }

  @Test
  void whatAConvertedNetworkHasNotIsTold() {
    ConvertedNetwork converted = with(plain(dense().build(), output()), 4).convert();
    assertThatThrownBy(() -> converted.activations("9"))
        .hasMessageContaining("no layer or vertex \"9\"; it has [input, 0, 1]");
    INDArray[] x = {ones(N, 4)};
    INDArray[] mask = {ones(N, 1)};
    assertThatThrownBy(() -> converted.feeds(x, x, null, mask))
        .hasMessageContaining("made for batches without the mask number 0");
    assertThatThrownBy(() -> converted.feeds(x, new INDArray[0], null, null))
        .hasMessageContaining("There is no array for \"1.labels\"");
  }
}
