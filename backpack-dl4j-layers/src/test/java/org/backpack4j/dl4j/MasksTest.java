package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backpack4j.dl4j.testing.MaskedCase.C;
import static org.backpack4j.dl4j.testing.MaskedCase.F;
import static org.backpack4j.dl4j.testing.MaskedCase.N;
import static org.backpack4j.dl4j.testing.MaskedCase.T;
import static org.backpack4j.dl4j.testing.MaskedCase.batch;
import static org.backpack4j.dl4j.testing.MaskedCase.dense;
import static org.backpack4j.dl4j.testing.MaskedCase.graph;
import static org.backpack4j.dl4j.testing.MaskedCase.images;
import static org.backpack4j.dl4j.testing.MaskedCase.output;
import static org.backpack4j.dl4j.testing.MaskedCase.places;
import static org.backpack4j.dl4j.testing.MaskedCase.pool;
import static org.backpack4j.dl4j.testing.MaskedCase.rows;
import static org.backpack4j.dl4j.testing.MaskedCase.series;
import static org.backpack4j.dl4j.testing.MaskedCase.simple;
import static org.backpack4j.dl4j.testing.MaskedCase.softmax;
import static org.backpack4j.dl4j.testing.MaskedCase.stepLabels;
import static org.backpack4j.dl4j.testing.MaskedCase.steps;
import static org.deeplearning4j.nn.conf.layers.Convolution3D.DataFormat.NCDHW;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.MaskedCase;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.CnnToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToCnnPreProcessor;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** What layers, vertices and preprocessors make of a mask of the features. */
class MasksTest {
  // ---- layers on rows ----

  static Stream<MaskedCase> ofRows() {
    return Stream.of(
        rows("of the loss", output().build()),
        rows("dense", dense(), output().build()),
        rows("dropout", dense(), new DropoutLayer.Builder(1.0).build(), output().build()),
        rows("activation", dense(), new ActivationLayer(Activation.TANH), output().build()),
        rows("PReLU", dense(), new PReLULayer.Builder().inputShape(3).build(), output().build()),
        rows("loss", dense(), new LossLayer.Builder(LossFunction.MSE).build()),
        rows(
            "element-wise",
            dense(),
            new ElementWiseMultiplicationLayer.Builder().nIn(3).nOut(3).build(),
            output().build()),
        rows("frozen", dense(), new FrozenLayerWithBackprop(dense()), output().build()),
        rows("mask", new MaskLayer(), dense(), output().build()),
        rows(
            "centre loss",
            dense(),
            new CenterLossOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(C)
                .activation(Activation.SOFTMAX)
                .lambda(0.1)
                .build()),
        new MaskedCase(
            "embedding",
            () ->
                Nets.sequential(
                    InputType.feedForward(5),
                    new EmbeddingLayer.Builder()
                        .nIn(5)
                        .nOut(4)
                        .hasBias(true)
                        .activation(Activation.TANH)
                        .build(),
                    output().build()),
            batch(
                Nd4j.createFromArray(new double[][] {{1}, {0}, {4}, {1}}),
                Nets.classes(N, C),
                rows())));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofRows")
  void ofRows(MaskedCase masked) {
    masked.check(c -> c);
  }

  /** DL4J masks in place what the layer before has answered: only the last is compared. */
  @Test
  void dropoutLayersMaskRows() {
    MaskedCase masked =
        rows(
            "",
            dense(),
            new ActivationLayer(Activation.SIGMOID),
            new DropoutLayer.Builder(1.0).build(),
            output().build());
    MultiLayerNetwork net = (MultiLayerNetwork) masked.net().get();
    ConvertedNetwork converted = Dl4jConverter.on(net).like(masked.batch()).convert();
    String name = converted.activations("2");
    INDArray ours = converted.sameDiff().output(converted.feeds(masked.batch()), name).get(name);
    net.setLayerMaskArrays(rows(), null);
    INDArray theirs = net.feedForward(masked.batch().getFeatures(0), true).get(3);
    assertThat(ours.sub(theirs).amaxNumber().doubleValue()).isLessThan(1e-12);
    assertThat(ours.getRow(1).amaxNumber().doubleValue()).isZero();
  }

  static Stream<MaskedCase> normalised() {
    return Stream.of(
        rows("rows", dense(), new BatchNormalization(), output().build()),
        steps(
            "rows of steps",
            dense(),
            new BatchNormalization.Builder().nIn(3).nOut(3).build(),
            simple(),
            softmax()),
        images(
            "images", places(1, 6, 5), new BatchNormalization(), pool(PoolingType.SUM), output(2)));
  }

  /** The statistics are those of all, also of what is masked. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("normalised")
  void batchNormalisation(MaskedCase masked) {
    masked.check(Converted::coupled);
  }

  /** The labels' mask takes the place of the features'. */
  @Test
  void bothMasksOfALoss() {
    MaskedCase dense = rows("", dense(), output().build());
    MultiDataSet batch = dense.batch().copy();
    batch.setLabelsMaskArray(
        new INDArray[] {Nd4j.createFromArray(new double[][] {{1}, {1}, {0}, {1}})});
    new MaskedCase("", dense.net(), batch).check(c -> c);
  }

  /** DL4J's score has such a factor in front of the activation function, its gradient hasn't. */
  @Test
  void masksOfAnOutputThatAreFractions() {
    MaskedCase dense = rows("", dense(), output().build());
    MultiDataSet batch = dense.batch().copy();
    batch.setFeaturesMaskArrays(null);
    batch.setLabelsMaskArray(new INDArray[] {Nets.random(N, 1)});
    MaskedCase masked = new MaskedCase("", dense.net(), batch);
    masked.check(Converted::againstBruteForce);
    assertThatThrownBy(() -> masked.check(c -> c)).hasMessageContaining("gradient of 0_W");
  }

  // ---- layers on series ----

  private static Subsampling1DLayer.Builder pairs(PoolingType type, int stride) {
    return new Subsampling1DLayer.Builder(SubsamplingLayer.PoolingType.valueOf(type.name()), 2)
        .stride(stride);
  }

  static Stream<MaskedCase> ofSeries() {
    return Stream.of(
        steps(
            "rows between",
            dense(),
            new DropoutLayer.Builder(1.0).build(),
            new ActivationLayer(Activation.SIGMOID),
            simple(),
            softmax()),
        series(
            "pooling",
            simple(),
            pairs(PoolingType.MAX, 1).build(),
            simple(),
            pool(PoolingType.MAX),
            output().build()),
        series(
            "pooling with a stride",
            simple(),
            pairs(PoolingType.AVG, 2).build(),
            simple(),
            pool(PoolingType.AVG),
            output().build()),
        series(
            "padded pooling",
            simple(),
            pairs(PoolingType.MAX, 1).convolutionMode(ConvolutionMode.Same).build(),
            simple(),
            pool(PoolingType.SUM),
            output().build()),
        series(
            "padded pooling with a stride",
            simple(),
            pairs(PoolingType.MAX, 2).convolutionMode(ConvolutionMode.Same).build(),
            simple(),
            pool(PoolingType.SUM),
            output().build()),
        series(
            "convolution that looks back, with a stride",
            new Convolution1DLayer.Builder(2)
                .stride(2)
                .nOut(3)
                .convolutionMode(ConvolutionMode.Causal)
                .build(),
            simple(),
            pool(PoolingType.SUM),
            output().build()),
        series(
            "mask",
            new MaskLayer(),
            new LSTM.Builder().nOut(3).build(),
            pool(PoolingType.SUM),
            output().build()),
        series(
            "PReLU",
            simple(),
            new PReLULayer.Builder().inputShape(3, T).build(),
            pool(PoolingType.SUM),
            output().build()),
        series(
            "frozen",
            simple(),
            new FrozenLayerWithBackprop(simple()),
            pool(PoolingType.SUM),
            output().build()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofSeries")
  void ofSeries(MaskedCase masked) {
    masked.check(c -> c);
  }

  /** Multiplies by the mask, of which it makes no other. */
  public static class Shown extends SameDiffLayer {
    private static final long serialVersionUID = 1L;

    /** As DL4J wants it. */
    public Shown() {}

    @Override
    public SDVariable defineLayer(
        SameDiff sd, SDVariable x, Map<String, SDVariable> parameters, SDVariable mask) {
      return x.mul("shown", sd.expandDims(mask, 1));
    }

    @Override
    public void defineParameters(SDLayerParams parameters) {}

    @Override
    public void initializeParameters(Map<String, INDArray> parameters) {}

    @Override
    public InputType getOutputType(int index, InputType input) {
      return input;
    }
  }

  /** DL4J answers twice the gradient below layers that it runs through SameDiff. */
  @Test
  void sameDiffLayers() {
    series(
            "",
            new LSTM.Builder().nOut(3).build(),
            new Shown(),
            simple(),
            pool(PoolingType.SUM),
            output().build())
        .check(c -> c.doubled("0"));
  }

  /** DL4J hands such a layer a mask of ones where there is none. */
  @Test
  void sameDiffLayersWithoutMask() {
    MaskedCase masked =
        series("", simple(), new Shown(), simple(), pool(PoolingType.SUM), output().build());
    masked.batch().setFeaturesMaskArrays(null);
    masked.check(c -> c.doubled("0"));
  }

  /** Documented: DL4J makes something else of such a factor than of a mask. */
  @Test
  void masksOfStepsThatAreFractions() {
    MaskedCase masked = series("", simple(), pool(PoolingType.SUM), output().build());
    masked.batch().setFeaturesMaskArrays(new INDArray[] {steps(T).mul(0.5)});
    assertThatThrownBy(() -> masked.check(c -> c)).hasMessageContaining("activations of 0");
  }

  // ---- layers on images ----

  private static ConvolutionLayer.Builder windows(int height, int width) {
    return new ConvolutionLayer.Builder(height, width).nOut(2);
  }

  private static MaskedCase summed(String name, INDArray mask, Layer... layers) {
    Layer[] all = Arrays.copyOf(layers, layers.length + 2);
    all[layers.length] = pool(PoolingType.SUM);
    all[layers.length + 1] = output().build();
    return images(name, mask, all);
  }

  static Stream<MaskedCase> ofImages() {
    return Stream.of(
        summed("convolution", places(1, 6, 5), windows(2, 2).build()),
        summed("convolution", places(1, 6, 1), windows(2, 5).build()),
        summed("convolution", places(1, 1, 5), windows(2, 3).build()),
        summed("stride", places(1, 6, 5), windows(3, 2).stride(2, 1).padding(1, 1).build()),
        summed(
            "padded, stride",
            places(1, 6, 5),
            windows(3, 2).stride(2, 2).convolutionMode(ConvolutionMode.Same).build()),
        summed(
            "pooling",
            places(1, 6, 5),
            windows(1, 1).build(),
            new SubsamplingLayer.Builder(2, 2).stride(1, 1).build()),
        summed(
            "depthwise",
            places(1, 6, 5),
            new DepthwiseConvolution2D.Builder(2, 2).depthMultiplier(2).build()),
        summed(
            "separable", places(1, 6, 5), new SeparableConvolution2D.Builder(2, 2).nOut(2).build()),
        summed(
            "transposed",
            places(1, 6, 5),
            new Deconvolution2D.Builder(2, 2)
                .convolutionMode(ConvolutionMode.Same)
                .nOut(2)
                .build()),
        summed("mask", places(1, 6, 5), new MaskLayer(), windows(2, 2).build()),
        summed("mask", places(1, 6, 1), new MaskLayer(), windows(2, 2).build()),
        images(
            "mask of whole images",
            places(1, 1, 1),
            new MaskLayer(),
            windows(2, 2).build(),
            output().build()),
        images(
            "rows",
            places(1, 1, 1),
            windows(2, 2).build(),
            new DenseLayer.Builder().nOut(3).build(),
            output().build()),
        summed("larger", places(1, 1, 1), new Upsampling2D.Builder(2).build()),
        summed(
            "cut",
            places(1, 6, 1),
            windows(1, 1).build(),
            new Cropping2D(0, 0, 1, 1),
            windows(1, 1).build()),
        new MaskedCase(
            "pixels",
            () ->
                Nets.sequential(
                    InputType.convolutional(6, 5, 2),
                    windows(2, 2).build(),
                    new CnnLossLayer.Builder(LossFunction.MSE).build()),
            batch(Nets.random(N, 2, 6, 5), Nets.random(N, 2, 5, 4), places(1, 6, 5))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofImages")
  void ofImages(MaskedCase masked) {
    masked.check(c -> c);
  }

  static Stream<MaskedCase> pooledImages() {
    return Stream.of(PoolingType.values())
        .flatMap(
            type ->
                Stream.of(places(1, 6, 5), places(1, 6, 1), places(1, 1, 5), places(2, 6, 5))
                    .map(
                        mask ->
                            images(
                                type.name(),
                                mask,
                                windows(3, 3).convolutionMode(ConvolutionMode.Same).build(),
                                pool(type),
                                output().build())));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pooledImages")
  void pooledImages(MaskedCase masked) {
    masked.check(c -> c);
  }

  // ---- vertices ----

  private static GraphBuilder stacked(GraphBuilder graph) {
    return graph
        .addVertex("stack", new StackVertex(), "in", "other")
        .addLayer("shared", simple(), "stack")
        .addLayer("again", new LSTM.Builder().nIn(3).nOut(2).build(), "shared")
        .addVertex("first", new UnstackVertex(0, 2), "again")
        .addVertex("second", new UnstackVertex(1, 2), "again")
        .addLayer("a", pool(PoolingType.MAX), "first")
        .addLayer("b", pool(PoolingType.AVG), "second")
        .addVertex("both", new MergeVertex(), "a", "b")
        .addLayer("out", output(4), "both")
        .setOutputs("out");
  }

  private static MaskedCase reshaped(
      String name, INDArray x, INDArray mask, int[] shape, int[] maskShape) {
    return graph(
        name,
        x,
        Nets.classes(N, C),
        mask,
        graph ->
            graph
                .addLayer("a", x.rank() == 2 ? dense() : simple(), "in")
                .addVertex("v", new ReshapeVertex('c', shape, maskShape), "a")
                .addLayer("pool", pool(PoolingType.SUM), "v")
                .addLayer("out", output(shape[1]), "pool")
                .setOutputs("out"));
  }

  static Stream<MaskedCase> vertices() {
    INDArray series = Nets.random(N, F, T);
    INDArray shorter = Nets.random(N, F, T - 2);
    INDArray images = Nets.random(N, 1, 4, 4);
    return Stream.of(
        graph(
            "stack",
            new INDArray[] {series, series.mul(0.7)},
            new INDArray[] {steps(T), steps(T).mul(Nets.random(N, T).gt(-0.5))},
            MasksTest::stacked),
        graph(
            "stack of different lengths",
            new INDArray[] {series, shorter},
            new INDArray[] {steps(T), steps(T - 2)},
            MasksTest::stacked),
        graph(
            "stack of different lengths without masks",
            new INDArray[] {series, shorter},
            null,
            MasksTest::stacked),
        graph(
            "stack of rows",
            new INDArray[] {Nets.random(N, F), Nets.random(N, F).mul(0.7)},
            new INDArray[] {rows(), rows().rsub(1)},
            graph ->
                graph
                    .addVertex("stack", new StackVertex(), "in", "other")
                    .addLayer("a", dense(), "stack")
                    .addVertex("first", new UnstackVertex(0, 2), "a")
                    .addVertex("second", new UnstackVertex(1, 2), "a")
                    .addVertex("both", new MergeVertex(), "first", "second")
                    .addLayer("out", output(6), "both")
                    .setOutputs("out")),
        graph(
            "stack of images",
            new INDArray[] {images, images.mul(0.7)},
            new INDArray[] {places(1, 4, 4), places(1, 4, 4)},
            graph ->
                graph
                    .addVertex("stack", new StackVertex(), "in", "other")
                    .addLayer("a", windows(2, 2).nIn(1).build(), "stack")
                    .addVertex("first", new UnstackVertex(0, 2), "a")
                    .addVertex("second", new UnstackVertex(1, 2), "a")
                    .addVertex(
                        "product",
                        new ElementWiseVertex(ElementWiseVertex.Op.Product),
                        "first",
                        "second")
                    .addLayer("pool", pool(PoolingType.SUM), "product")
                    .addLayer("out", output(2), "pool")
                    .setOutputs("out")),
        graph(
            "distance",
            new INDArray[] {Nets.random(N, F), Nets.random(N, F).mul(0.7)},
            new INDArray[] {rows(), null},
            graph ->
                graph
                    .addLayer("a", dense(), "in")
                    .addLayer("b", dense(), "other")
                    .addVertex("v", new L2Vertex(), "a", "b")
                    .addLayer("out", output(1), "v")
                    .setOutputs("out")),
        reshaped("rows as series", Nets.random(N, F), rows(), new int[] {-1, 3, 1}, null),
        reshaped("series", series, steps(T), new int[] {-1, F, T}, null),
        reshaped(
            "series as images",
            series,
            steps(T),
            new int[] {-1, 1, F, T},
            new int[] {-1, 1, 1, T}));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("vertices")
  void vertices(MaskedCase masked) {
    masked.check(c -> c);
  }

  private static Convolution1DLayer pointwise() {
    return new Convolution1DLayer.Builder(1)
        .nIn(F)
        .nOut(3)
        .convolutionMode(ConvolutionMode.Same)
        .build();
  }

  /** The mask of both ways is one of fractions, of which DL4J makes zeros and ones. */
  private static MaskedCase twoWays(
      GraphVertex both, int features, INDArray mask, Layer after, PoolingType type) {
    return graph(
        both.getClass().getSimpleName(),
        Nets.random(N, F, T),
        Nets.classes(N, C),
        mask,
        graph ->
            graph
                .addLayer("a", pointwise(), "in")
                .addLayer("b", new ActivationLayer(Activation.TANH), "a")
                .addVertex("both", both, "a", "b")
                .addLayer("after", after, "both")
                .addLayer("pool", pool(type), "after")
                .addLayer("out", output(features), "pool")
                .setOutputs("out"));
  }

  static Stream<MaskedCase> fractions() {
    INDArray mask = steps(T).mul(0.5);
    return Stream.of(
        twoWays(
            new ElementWiseVertex(ElementWiseVertex.Op.Add),
            3,
            mask,
            new MaskLayer(),
            PoolingType.SUM),
        twoWays(new MergeVertex(), 6, mask, new ActivationLayer(Activation.TANH), PoolingType.MAX));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("fractions")
  void fractionsOfTwoInputs(MaskedCase masked) {
    masked.check(c -> c);
  }

  @Test
  void poolHelpers() {
    graph(
            "",
            Nets.random(N, 1, 6, 6),
            Nets.classes(N, C),
            places(1, 1, 1),
            graph ->
                graph
                    .addLayer("a", windows(1, 1).nIn(1).build(), "in")
                    .addVertex("v", new PoolHelperVertex(), "a")
                    .addLayer("pool", pool(PoolingType.SUM), "v")
                    .addLayer("out", output(2), "pool")
                    .setOutputs("out"))
        .check(c -> c);
  }

  // ---- losses of volumes ----

  private static MaskedCase volumes(Layer... layers) {
    INDArray mask = Nd4j.ones(DataType.DOUBLE, N, 1, 2, 3, 2);
    mask.putScalar(new int[] {1, 0, 1, 2, 0}, 0);
    mask.putScalar(new int[] {3, 0, 0, 1, 1}, 0);
    return new MaskedCase(
        "",
        () -> Nets.sequential(InputType.convolutional3D(NCDHW, 2, 3, 2, 2), layers),
        batch(Nets.random(N, 2, 2, 3, 2), Nets.random(N, 2, 2, 3, 2), mask));
  }

  /** As that of images it is the loss's, where there is none of the labels. */
  @Test
  void lossOfVolumes() {
    Cnn3DLossLayer loss =
        new Cnn3DLossLayer.Builder(NCDHW)
            .lossFunction(LossFunction.MSE)
            .activation(Activation.SIGMOID)
            .build();
    volumes(
            new Deconvolution3D.Builder().kernelSize(1, 1, 1).nOut(2).dataFormat(NCDHW).build(),
            loss)
        .check(c -> c);
  }

  // ---- preprocessors ----

  private static GraphBuilder convolved(GraphBuilder graph) {
    return graph
        .addLayer("a", windows(2, 2).nIn(1).build(), "in")
        .inputPreProcessor("a", new RnnToCnnPreProcessor(3, 3, 1));
  }

  static Stream<MaskedCase> preprocessors() {
    return Stream.of(
        graph(
            "every step an image",
            Nets.random(N, 9, T),
            stepLabels(),
            steps(T),
            graph ->
                convolved(graph)
                    .addLayer("b", new SimpleRnn.Builder().nIn(8).nOut(3).build(), "a")
                    .inputPreProcessor("b", new CnnToRnnPreProcessor(2, 2, 2))
                    .addLayer("out", softmax(), "b")
                    .setOutputs("out")),
        graph(
            "every step an image and a row",
            Nets.random(N, 9, T),
            stepLabels(),
            steps(T),
            graph ->
                convolved(graph)
                    .addLayer("b", new DenseLayer.Builder().nIn(8).nOut(3).build(), "a")
                    .inputPreProcessor("b", new CnnToFeedForwardPreProcessor(2, 2, 2))
                    .addLayer("c", simple(), "b")
                    .inputPreProcessor("c", new FeedForwardToRnnPreProcessor())
                    .addLayer("out", softmax(), "c")
                    .setOutputs("out")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("preprocessors")
  void preprocessors(MaskedCase masked) {
    masked.check(c -> c);
  }

  // ---- a listener, which sees what layers have kept ----

  static Stream<MaskedCase> kept() {
    return Stream.of(
        rows("rows", dense(), new DropoutLayer.Builder(1.0).build(), output().build()),
        series("steps", dense(), simple(), pool(PoolingType.SUM), output().build()),
        images(
            "images",
            places(1, 6, 5),
            windows(3, 3).convolutionMode(ConvolutionMode.Same).build(),
            new SubsamplingLayer.Builder(2, 2)
                .stride(1, 1)
                .convolutionMode(ConvolutionMode.Same)
                .build(),
            pool(PoolingType.SUM),
            output().build()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kept")
  void aListenerFindsTheMask(MaskedCase masked) {
    watched(masked);
  }

  private static void watched(MaskedCase masked) {
    Nets.inDoublePrecision(
        () -> {
          Model net = masked.net().get();
          try (BackPackListener listener = new BackPackListener(new BatchGrad()).verify(1, 2)) {
            net.addListeners(listener);
            MaskedCase.fit(net, masked.batch());
            assertThat(listener.get("0_W", BatchGrad.class).size(0)).isEqualTo(N);
          }
        });
  }

  @Test
  void aListenerNeedsAGraphForPooledMasks() {
    MaskedCase pooled =
        summed(
            "",
            places(1, 6, 5),
            windows(3, 3).convolutionMode(ConvolutionMode.Same).build(),
            new SubsamplingLayer.Builder(2, 2).stride(1, 1).build());
    assertThatThrownBy(() -> watched(pooled)).hasMessageContaining("toComputationGraph()");
    watched(
        new MaskedCase(
            "",
            () -> ((MultiLayerNetwork) pooled.net().get()).toComputationGraph(),
            pooled.batch()));
  }
}
