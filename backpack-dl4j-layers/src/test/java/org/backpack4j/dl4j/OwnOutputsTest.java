package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffOutputLayer;
import org.deeplearning4j.nn.conf.ocnn.OCNNOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/** Output layers with losses that are their own: of boxes in images, and defined by SameDiff. */
class OwnOutputsTest {
  private static final int N = 3;

  // ---- boxes ----

  private static final int BOXES = 2;
  private static final int CLASSES = 2;

  private static Yolo2OutputLayer.Builder boxes() {
    return new Yolo2OutputLayer.Builder()
        .boundingBoxPriors(Nd4j.createFromArray(new double[][] {{1, 1.5}, {2, 0.8}}));
  }

  private static MultiLayerNetwork detector(CNN2DFormat format, Yolo2OutputLayer layer) {
    return Nets.sequential(
        InputType.convolutional(4, 3, 1, format),
        new ConvolutionLayer.Builder(2, 2)
            .nOut(3)
            .convolutionMode(ConvolutionMode.Same)
            .dataFormat(format)
            .build(),
        new ConvolutionLayer.Builder(1, 1)
            .nOut(BOXES * (5 + CLASSES))
            .activation(Activation.IDENTITY)
            .dataFormat(format)
            .build(),
        layer);
  }

  private static INDArray images(CNN2DFormat format) {
    INDArray x = Nets.random(N, 1, 4, 3);
    return format == CNN2DFormat.NCHW ? x : x.permute(0, 2, 3, 1).dup('c');
  }

  /** Objects in some cells of each image: corners in cells, and a class; one that meets no box. */
  private static INDArray objects(CNN2DFormat format) {
    INDArray y = Nd4j.zeros(DataType.DOUBLE, N, 4 + CLASSES, 4, 3);
    put(y, 0, 0.2, 0.4, 1.9, 1.5, 0);
    put(y, 0, 1.1, 1.3, 2.8, 3.9, 1);
    put(y, 1, 0.6, 2.1, 2.1, 3.2, 1);
    put(y, 2, 2.05, 0.1, 2.95, 0.6, 0);
    put(y, 2, 0.1, 2.2, 0.2, 2.3, 1);
    return format == CNN2DFormat.NCHW ? y : y.permute(0, 2, 3, 1).dup('c');
  }

  private static void put(
      INDArray y, int n, double left, double top, double right, double bottom, int kind) {
    int column = (int) ((left + right) / 2);
    int row = (int) ((top + bottom) / 2);
    double[] corners = {left, top, right, bottom};
    for (int k = 0; k < 4; k++) {
      y.putScalar(new int[] {n, k, row, column}, corners[k]);
    }
    y.putScalar(new int[] {n, 4 + kind, row, column}, 1);
  }

  static Stream<Arguments> losses() {
    return Stream.of(
        Arguments.of(CNN2DFormat.NCHW, new LossL2()),
        Arguments.of(CNN2DFormat.NCHW, new LossMCXENT()),
        Arguments.of(CNN2DFormat.NHWC, new LossL2()));
  }

  @ParameterizedTest
  @MethodSource("losses")
  void boxesInImages(CNN2DFormat format, ILossFunction classes) {
    Converted.check(
        detector(format, boxes().lossClassPredictions(classes).build()),
        images(format),
        objects(format));
  }

  /** A detector's loss is written out: sampled columns are sums of its columns by random signs. */
  @Test
  void sampledDiagonalsOfBoxesTendToTheExactOnes() {
    MultiLayerNetwork net = detector(CNN2DFormat.NCHW, boxes().build());
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(net, new long[] {1, 4, 3});
    DataSet batch = new DataSet(images(CNN2DFormat.NCHW), objects(CNN2DFormat.NCHW));
    try (ExtendedGraph graph =
        converted.extend(new DiagGGNExact(), new DiagGGNMC(40, 1), new BatchGrad())) {
      Map<String, INDArray> feeds = converted.feeds(batch);
      List<String> names = List.of("1_W.diag_ggn_exact", "1_W.diag_ggn_mc");
      INDArray exact = graph.output(feeds, names.subList(0, 1)).get(names.get(0));
      INDArray mean = exact.mul(0);
      int draws = 25;
      for (int draw = 0; draw < draws; draw++) {
        mean.addi(graph.output(feeds, names.subList(1, 2)).get(names.get(1)).div(draws));
      }
      // a thousand columns: about a twentieth of the exact numbers
      assertThat(mean.distance2(exact) / exact.norm2Number().doubleValue()).isLessThan(0.1);
      assertThat(exact.norm2Number().doubleValue()).isPositive();
    }
  }

  static Stream<Arguments> refusedBoxes() {
    return Stream.of(
        Arguments.of(boxes().lossPositionScale(new LossMAE()).build(), "its loss of positions"),
        Arguments.of(boxes().lossClassPredictions(new LossMAE()).build(), "its loss of classes"),
        Arguments.of(
            new Yolo2OutputLayer.Builder()
                .boundingBoxPriors(Nd4j.createFromArray(new double[][] {{1, 1}, {2, 1}, {1, 2}}))
                .build(),
            "14 channels for 3 boxes"));
  }

  @ParameterizedTest
  @MethodSource
  void refusedBoxes(Yolo2OutputLayer layer, String reason) {
    MultiLayerNetwork net = detector(CNN2DFormat.NCHW, layer);
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net, new long[] {1, 4, 3}))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"2\" (Yolo2OutputLayer): ")
        .hasMessageContaining(reason);
  }

  @Test
  void masksOfBoxesAreRefused() {
    MultiDataSet batch =
        new MultiDataSet(
            new INDArray[] {images(CNN2DFormat.NCHW)},
            new INDArray[] {objects(CNN2DFormat.NCHW)},
            null,
            new INDArray[] {Nd4j.ones(DataType.DOUBLE, N, 1)});
    MultiLayerNetwork net = detector(CNN2DFormat.NCHW, boxes().build());
    assertThatThrownBy(() -> Dl4jConverter.on(net).like(batch).convert())
        .hasMessageContaining("layer \"2\" (Yolo2OutputLayer): DL4J leaves masks")
        .hasMessageContaining("train without labels' masks");
  }

  @Test
  void oneClassNetworksAreRefused() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(3).build(),
            new OCNNOutputLayer.Builder().nIn(3).hiddenLayerSize(2).build());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"1\" (OCNNOutputLayer): DL4J changes its parameter r")
        .hasMessageContaining("write it as a SameDiffOutputLayer");
  }

  // ---- SameDiff ----

  /** Σ (y − tanh(x W))², or a cross-entropy with softmax, as a layer of one's own. */
  private static final class Own extends SameDiffOutputLayer {
    private static final long serialVersionUID = 1L;
    private final boolean entropy;

    Own(boolean entropy) {
      this.entropy = entropy;
    }

    @Override
    public SDVariable defineLayer(
        SameDiff sd, SDVariable x, SDVariable labels, Map<String, SDVariable> parameters) {
      SDVariable z = x.mmul(parameters.get("W"));
      if (entropy) {
        sd.nn().softmax("answer", z, 1);
        return sd.loss()
            .softmaxCrossEntropy(null, labels, z, null, org.nd4j.autodiff.loss.LossReduce.SUM, 0);
      }
      SDVariable difference = sd.math().tanh("answer", z).sub(labels);
      return difference.mul(difference).sum();
    }

    @Override
    public String activationsVertexName() {
      return "answer";
    }

    @Override
    public void defineParameters(SDLayerParams parameters) {
      parameters.addWeightParam("W", 5, 3);
    }

    @Override
    public void initializeParameters(Map<String, INDArray> parameters) {
      parameters.get("W").assign(Nets.random(5, 3));
    }

    @Override
    public InputType getOutputType(int index, InputType input) {
      return InputType.feedForward(3);
    }
  }

  private static MultiLayerNetwork own(boolean entropy) {
    return Nets.sequential(
        InputType.feedForward(4), new DenseLayer.Builder().nOut(5).build(), new Own(entropy));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sameDiffOutputsAreInlined(boolean entropy) {
    Converted.check(own(entropy), Nets.random(N, 4), Nets.classes(N, 3));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theMeanOfASameDiffOutput(boolean entropy) {
    MultiDataSet batch = new MultiDataSet(Nets.random(N, 4), Nets.classes(N, 3));
    INDArray[] rows = new INDArray[2];
    for (Scale scale : Scale.values()) {
      ConvertedNetwork converted =
          Dl4jConverter.on(own(entropy)).like(batch).scale(scale).convert();
      try (ExtendedGraph graph = converted.extend(new BatchGrad())) {
        rows[scale.ordinal()] =
            graph.output(converted.feeds(batch), "0_W.grad_batch").get("0_W.grad_batch");
      }
    }
    INDArray off = rows[Scale.SUM.ordinal()].sub(rows[Scale.MEAN.ordinal()].mul(N));
    assertThat(off.amaxNumber().doubleValue()).isLessThan(1e-14);
  }

  @Test
  void withoutAnExampleTheLabelsOfASameDiffOutputAreNotKnown() {
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(own(true)))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"1\" (Own): the shape of its labels is not known")
        .hasMessageContaining("like(batch)");
  }

  /** Neither DL4J's layer nor ours looks at it. */
  @Test
  void masksOfTheFeaturesDoNotReachTheLoss() {
    INDArray rows = Nd4j.createFromArray(new double[][] {{1}, {0}, {1}});
    MultiLayerNetwork sameDiff =
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            new ActivationLayer(Activation.SIGMOID),
            new Own(true));
    Nets.inDoublePrecision(
        () -> {
          masked(sameDiff, Nets.random(N, 4), Nets.classes(N, 3), rows);
          masked(
              detector(CNN2DFormat.NCHW, boxes().build()),
              images(CNN2DFormat.NCHW),
              objects(CNN2DFormat.NCHW),
              rows.reshape(N, 1, 1, 1));
        });
  }

  private static void masked(MultiLayerNetwork net, INDArray x, INDArray y, INDArray mask) {
    Converted.of(
            net,
            new MultiDataSet(new INDArray[] {x}, new INDArray[] {y}, new INDArray[] {mask}, null))
        .check();
  }
}
