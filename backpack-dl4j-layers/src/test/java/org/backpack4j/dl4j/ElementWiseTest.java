package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex.Op;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** {@code ElementWiseVertex} of inputs that are stretched to each other's lengths. */
class ElementWiseTest {
  private static final int N = 3;
  private static final int C = 2;

  /** What the vertex is given, by the names of layers of {@link #images} and so on. */
  static Stream<Arguments> cases() {
    return Arrays.stream(Op.values())
        .flatMap(
            op ->
                Stream.of("wide one", "one wide one")
                    .filter(inputs -> op != Op.Subtract || isDifference(inputs))
                    .map(inputs -> Arguments.of(op, inputs)));
  }

  private static boolean isDifference(String inputs) {
    return inputs.contains("wide") && inputs.split(" ").length == 2;
  }

  private static GraphBuilder begun() {
    return Nets.builder().graphBuilder().addInputs("in").validateOutputLayerConfig(false);
  }

  private static OutputLayer output(int inputs) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nIn(inputs)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void rows(Op op, String inputs) {
    Converted.check(
        Nets.graph(
            begun()
                .addLayer("wide", new DenseLayer.Builder().nIn(4).nOut(5).build(), "in")
                .addLayer("one", new DenseLayer.Builder().nIn(4).nOut(1).build(), "in")
                .addVertex("both", new ElementWiseVertex(op), inputs.split(" "))
                .addLayer("out", output(5), "both")
                .setOutputs("out")),
        Nets.random(N, 4),
        Nets.classes(N, 3));
  }

  private static ConvolutionLayer pointwise(int channels) {
    return new ConvolutionLayer.Builder(1, 1).nIn(1).nOut(channels).build();
  }

  private static GlobalPoolingLayer spread() {
    return new GlobalPoolingLayer.Builder(PoolingType.AVG).collapseDimensions(false).build();
  }

  /** Channels [N, C, H, W] with factors of channels [N, C, 1, 1] and of positions [N, 1, H, W]. */
  private static ComputationGraph images(Op op, String... inputs) {
    GraphBuilder graph = begun();
    Set<String> wanted = new TreeSet<>(List.of(inputs));
    if (wanted.contains("wide") || wanted.contains("channel")) {
      graph.addLayer("wide", pointwise(C), "in");
    }
    if (wanted.contains("position") || wanted.contains("single")) {
      graph.addLayer("position", pointwise(1), "in");
    }
    if (wanted.contains("channel")) {
      graph.addLayer("channel", spread(), "wide");
    }
    if (wanted.contains("single")) {
      graph.addLayer("single", spread(), "position");
    }
    return Nets.graph(
        graph
            .addVertex("both", new ElementWiseVertex(op), inputs)
            .addLayer("again", new ConvolutionLayer.Builder(2, 2).nIn(C).nOut(2).build(), "both")
            .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "again")
            .addLayer("out", output(2), "pool")
            .setOutputs("out"));
  }

  /** Where both inputs of a difference are stretched, DL4J fails. */
  static Stream<Arguments> ofImages() {
    return Arrays.stream(Op.values())
        .flatMap(
            op ->
                Stream.of(
                        "wide channel", "single wide", "channel position", "channel wide position")
                    .filter(inputs -> op != Op.Subtract || isDifference(inputs))
                    .map(inputs -> Arguments.of(op, inputs)));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("ofImages")
  void images(Op op, String inputs) {
    Converted.check(images(op, inputs.split(" ")), Nets.random(N, 1, 3, 4), Nets.classes(N, 3));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void series(Op op, String inputs) {
    Converted.check(
        Nets.graph(
            begun()
                .addLayer("wide", new SimpleRnn.Builder().nIn(2).nOut(C).build(), "in")
                .addLayer("one", new SimpleRnn.Builder().nIn(2).nOut(1).build(), "in")
                .addVertex("both", new ElementWiseVertex(op), inputs.split(" "))
                .addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), "both")
                .addLayer("out", output(C), "pool")
                .setOutputs("out")),
        Nets.random(N, 2, 4),
        Nets.classes(N, 3));
  }

  /** Documented: DL4J answers, and fails on the way back; ours is the derivative. */
  @Test
  void aDifferenceOfWhichBothInputsAreStretched() {
    ComputationGraph net = images(Op.Subtract, "channel", "position");
    INDArray x = Nets.random(N, 1, 3, 4);
    INDArray y = Nets.classes(N, 3);
    ConvertedNetwork converted = Dl4jConverter.on(net).like(new MultiDataSet(x, y)).convert();
    Map<String, INDArray> feeds = converted.feeds(new DataSet(x, y));
    String out = converted.activations("out");
    INDArray answer = converted.sameDiff().output(feeds, out).get(out);
    assertThat(answer.sub(net.outputSingle(x)).amaxNumber().doubleValue()).isLessThan(1e-12);
    try (ExtendedGraph graph = converted.extend(new BatchGrad())) {
      BruteForce.on(converted.sameDiff(), feeds)
          .verifier()
          .entries(4)
          .verify(graph.output(feeds, graph.outputNames()))
          .orThrow();
    }
    assertThatThrownBy(() -> net.fit(new DataSet(x, y))).isInstanceOf(RuntimeException.class);
  }
}
