package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaVertex;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class VerticesTest {
  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  static Stream<GraphVertex> ofRows() {
    return Stream.of(
        new SubsetVertex(1, 3),
        new ScaleVertex(0.7),
        new ShiftVertex(0.4),
        new ReshapeVertex(-1, 6),
        new L2NormalizeVertex());
  }

  private static ComputationGraph net(GraphVertex vertex) {
    return Nets.graph(
        Nets.graph(InputType.feedForward(4))
            .addLayer("a", new DenseLayer.Builder().nOut(6).build(), "in")
            .addVertex("vertex", vertex, "a")
            .addLayer("out", output(), "vertex")
            .setOutputs("out"));
  }

  @ParameterizedTest
  @MethodSource
  void ofRows(GraphVertex vertex) {
    Converted.check(net(vertex), Nets.random(4, 4), Nets.classes(4, 3));
  }

  static Stream<Arguments> ofImages() {
    return Stream.of(
        Arguments.of(new SubsetVertex(0, 1), 2),
        Arguments.of(new PoolHelperVertex(), 3),
        Arguments.of(new ScaleVertex(0.3), 3));
  }

  @ParameterizedTest
  @MethodSource
  void ofImages(GraphVertex vertex, int channels) {
    Converted.check(
        Nets.graph(
            Nets.builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer("a", new ConvolutionLayer.Builder(2, 2).nIn(1).nOut(3).build(), "in")
                .addVertex("vertex", vertex, "a")
                .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "vertex")
                .addLayer(
                    "out",
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(channels)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build(),
                    "pool")
                .setOutputs("out")),
        Nets.random(3, 1, 5, 5),
        Nets.classes(3, 3));
  }

  @Test
  void preprocessorsByThemselves() {
    Converted.check(
        Nets.graph(
            Nets.graph(InputType.convolutional(5, 5, 1))
                .addLayer("a", new ConvolutionLayer.Builder(2, 2).nOut(3).build(), "in")
                .addVertex(
                    "rows", new PreprocessorVertex(new CnnToFeedForwardPreProcessor(4, 4, 3)), "a")
                .addLayer("out", output(), "rows")
                .setOutputs("out")),
        Nets.random(3, 1, 5, 5),
        Nets.classes(3, 3));
  }

  @Test
  void distance() {
    Converted.check(
        Nets.graph(
            Nets.graph(InputType.feedForward(4))
                .addLayer("a", new DenseLayer.Builder().nOut(3).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nOut(3).build(), "in")
                .addVertex("distance", new L2Vertex(), "a", "b")
                .addLayer("out", output(), "distance")
                .setOutputs("out")),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void aLayerThatIsSharedByAStack() {
    Converted.check(
        Nets.graph(
            Nets.graph(InputType.feedForward(4))
                .addLayer("a", new DenseLayer.Builder().nOut(3).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nOut(3).build(), "in")
                .addVertex("stack", new StackVertex(), "a", "b")
                .addLayer("shared", new DenseLayer.Builder().nOut(5).build(), "stack")
                .addVertex("first", new UnstackVertex(0, 2), "shared")
                .addVertex("second", new UnstackVertex(1, 2), "shared")
                .addLayer("out", output(), "first", "second")
                .setOutputs("out")),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void severalInputsAndOutputs() {
    ComputationGraph net =
        Nets.graph(
            Nets.builder()
                .graphBuilder()
                .addInputs("x", "y")
                .setInputTypes(InputType.feedForward(4), InputType.feedForward(2))
                .addLayer("a", new DenseLayer.Builder().nOut(3).build(), "x", "y")
                .addLayer("class", output(), "a")
                .addLayer(
                    "number",
                    new OutputLayer.Builder(LossFunction.MSE)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build(),
                    "a")
                .setOutputs("class", "number"));
    Converted.of(
            net,
            new MultiDataSet(
                new INDArray[] {Nets.random(4, 4), Nets.random(4, 2)},
                new INDArray[] {Nets.classes(4, 3), Nets.random(4, 2).mul(2)}))
        .check();
  }

  /** a ∘ tanh(b), as a vertex of one's own. */
  public static final class Gate extends SameDiffLambdaVertex {
    private static final long serialVersionUID = 1L;

    /** As DL4J wants it. */
    public Gate() {}

    @Override
    public SDVariable defineVertex(SameDiff sd, VertexInputs inputs) {
      return inputs.getInput(0).mul(sd.math().tanh(inputs.getInput(1)));
    }

    @Override
    public InputType getOutputType(int index, InputType... inputs) {
      return inputs[0];
    }
  }

  /** DL4J evaluates the vertex by SameDiff, which goes wrong on the 'f' order of what comes in. */
  @Test
  void sameDiffVerticesAreInlined() {
    Converted.of(
            Nets.graph(
                Nets.graph(InputType.feedForward(4))
                    .addLayer("a", new DenseLayer.Builder().nOut(3).build(), "in")
                    .addLayer("b", new DenseLayer.Builder().nOut(3).build(), "in")
                    .addVertex("gate", new Gate(), "a", "b")
                    .addLayer("out", output(), "gate")
                    .setOutputs("out")),
            Nets.random(4, 4),
            Nets.classes(4, 3))
        .againstBruteForce()
        .check();
  }

  /** Brute force knows nothing of the layers below that are not trained through the vertex. */
  @Test
  void frozenVerticesStopTheGradient() {
    Converted.of(
            Nets.graph(
                Nets.graph(InputType.feedForward(4))
                    .addLayer("a", new DenseLayer.Builder().nOut(3).build(), "in")
                    .addLayer("b", new DenseLayer.Builder().nOut(3).build(), "in")
                    .addVertex("frozen", new FrozenVertex(new ScaleVertex(0.7)), "a")
                    .addVertex(
                        "sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "frozen", "a", "b")
                    .addLayer("out", output(), "sum")
                    .setOutputs("out")),
            Nets.random(4, 4),
            Nets.classes(4, 3))
        .firstOrder()
        .check();
  }

  @Test
  void whatTransferLearningFreezes() {
    ComputationGraph net =
        Nets.graph(
            Nets.graph(InputType.feedForward(4))
                .addLayer("a", new DenseLayer.Builder().nOut(3).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nOut(2).build(), "in")
                .addVertex("both", new MergeVertex(), "a", "b")
                .addLayer("c", new DenseLayer.Builder().nOut(3).build(), "both")
                .addLayer("out", output(), "c")
                .setOutputs("out"));
    Converted.check(
        new TransferLearning.GraphBuilder(net)
            .setFeatureExtractor("both")
            .build()
            .convertDataType(DataType.DOUBLE),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  static Stream<GraphVertex> refused() {
    return Stream.of(new ReshapeVertex('f', new int[] {-1, 6}, null), new ReshapeVertex(4, 6));
  }

  @ParameterizedTest
  @MethodSource
  void refused(GraphVertex vertex) {
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net(vertex)))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("vertex \"vertex\" (ReshapeVertex)");
  }
}
