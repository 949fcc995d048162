package org.backpack4j.dl4j.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Layers, formats and outputs of many kinds, against difference quotients of DL4J's outputs. */
class ExplainedKindsTest {
  private static final double STEP = 1e-5;

  private static INDArray random(long seed, long... shape) {
    Random random = new Random(seed);
    double[] numbers = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.setAll(numbers, k -> random.nextGaussian());
    return Nd4j.create(numbers, shape, 'c');
  }

  private static OutputLayer softmax() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static void check(Model net, INDArray x, UnaryOperator<Explainer> choices) {
    UnaryOperator<INDArray> output =
        net instanceof ComputationGraph graph
            ? v -> graph.output(v)[0]
            : v -> ((MultiLayerNetwork) net).output(v);
    INDArray weights = random(99, output.apply(x).shape());
    Explainer explainer =
        net instanceof ComputationGraph graph
            ? Explainer.of(graph)
            : Explainer.of((MultiLayerNetwork) net);
    INDArray slopes =
        choices
            .apply(explainer)
            .probabilities()
            .weights(weights)
            .gradients()
            .explain(x)
            .attributions();
    for (int k = 0; k < x.length(); k++) {
      INDArray up = x.dup('c');
      INDArray down = x.dup('c');
      up.data().put(k, up.data().getDouble(k) + STEP);
      down.data().put(k, down.data().getDouble(k) - STEP);
      double expected =
          output.apply(up).sub(output.apply(down)).muli(weights).sumNumber().doubleValue()
              / (2 * STEP);
      double actual = slopes.dup('c').data().getDouble(k);
      assertThat(Math.abs(actual - expected)).as("entry " + k).isLessThan(1e-6);
    }
    assertThat(slopes.amaxNumber().doubleValue()).isGreaterThan(1e-4);
  }

  private static void check(Model net, INDArray x) {
    check(net, x, e -> e);
  }

  private static MultiLayerNetwork series(Layer... layers) {
    return Nets.sequential(InputType.recurrent(3, 5), layers);
  }

  @Test
  void seriesOfManyKinds() {
    INDArray x = random(1, 2, 3, 5);
    check(
        series(
            new Bidirectional(Bidirectional.Mode.CONCAT, new LSTM.Builder().nOut(2).build()),
            new LastTimeStep(new LSTM.Builder().nOut(3).build()),
            softmax()),
        x);
    check(
        series(
            new Convolution1DLayer.Builder(3).nOut(3).build(),
            new SelfAttentionLayer.Builder().nOut(2).nHeads(1).projectInput(true).build(),
            new GlobalPoolingLayer.Builder(PoolingType.AVG).build(),
            softmax()),
        x);
    check(
        series(
            new DenseLayer.Builder().nOut(4).build(), // on rows of steps
            new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build()),
        x);
  }

  @Test
  void truncatedBackpropagationMakesNoDifference() {
    MultiLayerNetwork net =
        series(
            new LSTM.Builder().nOut(3).build(),
            new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(2)
                .activation(Activation.SOFTMAX)
                .build());
    net.getLayerWiseConfigurations().setBackpropType(BackpropType.TruncatedBPTT);
    net.getLayerWiseConfigurations().setTbpttFwdLength(2);
    net.getLayerWiseConfigurations().setTbpttBackLength(2);
    check(net, random(2, 2, 3, 5));
  }

  @Test
  void channelsAndFeaturesLast() {
    MultiLayerNetwork images =
        Nets.sequential(
            InputType.convolutional(5, 4, 2, CNN2DFormat.NHWC),
            new ConvolutionLayer.Builder(2, 2).nOut(3).dataFormat(CNN2DFormat.NHWC).build(),
            softmax());
    check(images, random(3, 2, 5, 4, 2));
    MultiLayerNetwork steps =
        Nets.sequential(
            InputType.recurrent(3, 4, RNNFormat.NWC),
            new LSTM.Builder().nOut(3).dataFormat(RNNFormat.NWC).build(),
            new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(2)
                .dataFormat(RNNFormat.NWC)
                .activation(Activation.SOFTMAX)
                .build());
    INDArray x = random(4, 2, 4, 3);
    check(steps, x);
    Explanation e = Explainer.of(steps).gradients().position(1).classes(1).explain(x);
    // what comes later has no part
    assertThat(e.tokens(0, 1)).hasSize(4).endsWith(0, 0);
    assertThat(e.tokens(0, 1)[0]).isNotZero();
    assertThatThrownBy(() -> Explainer.of(steps).position(1).classes(2).explain(x))
        .hasMessageContaining("classes 0 to 1");
  }

  @Test
  void pixelsOfASegmentation() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(4, 5, 1),
            new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(2).build(),
            new CnnLossLayer.Builder(LossFunction.MCXENT).activation(Activation.SOFTMAX).build());
    INDArray x = random(5, 2, 1, 4, 5);
    check(net, x);
    Explanation e = Explainer.of(net).gradients().position(0, 0).allClasses().explain(x);
    assertThat(e.attributions().shape()).containsExactly(2, 2, 1, 4, 5);
    assertThat(e.sample("input", 0, 1).getDouble(0, 3, 4)).isZero(); // out of the kernel's reach
    assertThat(e.sample("input", 0, 1).getDouble(0, 1, 1)).isNotZero();
    // logits are what the convolution answers
    double logit = net.feedForward(x).get(1).getDouble(0, 0, 0, 0);
    assertThat(e.scores().getDouble(0, 0)).isCloseTo(logit, within(1e-12));
  }

  @Test
  void otherOutputs() {
    InputType input = InputType.feedForward(3);
    INDArray x = random(6, 2, 3);
    check(
        Nets.sequential(
            input,
            new DenseLayer.Builder().nOut(4).build(),
            new OutputLayer.Builder(LossFunction.XENT)
                .nOut(3)
                .activation(Activation.SIGMOID)
                .build()),
        x);
    check(
        Nets.sequential(
            input,
            new DenseLayer.Builder().nOut(4).activation(Activation.SOFTMAX).build(),
            new LossLayer.Builder(LossFunction.MCXENT).activation(Activation.IDENTITY).build()),
        x);
    MultiLayerNetwork sigmoid =
        Nets.sequential(
            input,
            new OutputLayer.Builder(LossFunction.XENT)
                .nOut(1)
                .activation(Activation.SIGMOID)
                .build());
    assertThat(
            Explainer.of(sigmoid)
                .gradients()
                .explain(x)
                .sample(1)
                .sub(sigmoid.getParam("0_W").reshape(3))
                .amaxNumber()
                .doubleValue())
        .isLessThan(1e-12);
  }

  @Test
  void branchesOfAGraph() {
    ComputationGraph net =
        Nets.graph(
            Nets.graph(InputType.feedForward(3))
                .addLayer("a", new DenseLayer.Builder().nOut(4).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nOut(4).build(), "in")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "a", "b")
                .addVertex("all", new MergeVertex(), "sum", "a")
                .addLayer("out", softmax(), "all")
                .setOutputs("out"));
    INDArray x = random(7, 2, 3);
    check(net, x);
    // at a layer whose answer two vertices read
    Explanation at = Explainer.of(net).at("a", "b").classes(1).integratedGradients(3).explain(x);
    assertThat(at.residuals().orElseThrow().amaxNumber().doubleValue()).isLessThan(1e-12);
    // around "a" there is the way by "b"
    Explanation around = Explainer.of(net).at("in", "a").integratedGradients(20).explain(x);
    assertThat(around.residuals().orElseThrow().amaxNumber().doubleValue()).isLessThan(1e-10);
    assertThatThrownBy(() -> Explainer.of(net).at("in", "a", "b").explain(x))
        .hasMessageContaining("\"in\"");
  }

  @Test
  void oneRowOfATable() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(5),
            new EmbeddingLayer.Builder().nIn(5).nOut(3).build(),
            softmax());
    INDArray x = Nd4j.createFromArray(new double[][] {{4}, {0}});
    assertThatThrownBy(() -> Explainer.of(net).explain(x)).hasMessageContaining("at(\"0\")");
    Explanation e = Explainer.of(net).at("0").allClasses().integratedGradients(2).explain(x);
    assertThat(e.attributions().shape()).containsExactly(2, 3, 3);
    assertThat(e.residuals().orElseThrow().amaxNumber().doubleValue()).isLessThan(1e-12);
    INDArray beyond = Nd4j.createFromArray(new double[][] {{5}, {0}});
    assertThatThrownBy(() -> Explainer.of(net).at("0").explain(beyond))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void rowsOfStepsAreNoSamples() {
    MultiLayerNetwork net =
        series(
            new DenseLayer.Builder().nOut(4).build(),
            new LSTM.Builder().nOut(3).build(),
            new GlobalPoolingLayer.Builder(PoolingType.AVG).build(),
            softmax());
    assertThat(net.getLayerWiseConfigurations().getInputPreProcess(0))
        .isInstanceOf(RnnToFeedForwardPreProcessor.class);
    assertThatThrownBy(() -> Explainer.of(net).at("0").explain(random(8, 2, 3, 5)))
        .hasMessageContaining("not a row for each");
  }
}
