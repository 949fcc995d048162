package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Iteration;
import org.backpack4j.dl4j.testing.MaskedCase;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/** What a lenient listener has of networks with layers that cannot be converted. */
class LenientTest {
  private static final int N = 3;

  /** One that is refused, since DL4J's gradient is not that of its output. */
  private static final IActivation ODD = new ActivationELU(0.5);

  private static final String WHY = "M2.1 trains ELU with α = 1";

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static DenseLayer.Builder dense() {
    return new DenseLayer.Builder().nOut(5);
  }

  private static BackPackListener lenient() {
    return new BackPackListener(new BatchGrad(), new DiagGGNExact()).lenient();
  }

  private static IDropout scheduled() {
    return new AlphaDropout(new MapSchedule.Builder(ScheduleType.ITERATION).add(0, 0.6).build());
  }

  static Stream<Arguments> layers() {
    return Stream.of(
        Arguments.of(dense().activation(ODD).build(), WHY),
        Arguments.of(dense().dropOut(scheduled()).build(), "an AlphaDropout whose probability"));
  }

  @ParameterizedTest
  @MethodSource("layers")
  void layersAboveHaveTheirQuantities(Layer layer, String reason) {
    MultiLayerNetwork network =
        Nets.sequential(
            InputType.feedForward(4), dense().build(), layer, dense().build(), output());
    for (Model net : List.of(network, network.toComputationGraph())) {
      Iteration iteration = new Iteration(net, Nets.random(N, 4), Nets.classes(N, 3));
      try (BackPackListener listener = lenient().verify(1, 2)) {
        listener.check(net);
        Map<String, INDArray> gradient = iteration.watched(listener);
        for (String parameter : List.of("2_W", "2_b", "3_W", "3_b")) {
          iteration.compare(parameter, listener, gradient);
          assertThat(listener.get(parameter, DiagGGNExact.class).shape())
              .isEqualTo(gradient.get(parameter).shape());
        }
        assertThat(listener.outputs()).hasSize(4 * 3);
        for (String below : List.of("0_W", "1_b")) {
          assertThatThrownBy(() -> listener.get(below, BatchGrad.class))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("\"" + below + "\" is out of reach")
              .hasMessageContaining("layer \"1\" (DenseLayer): ")
              .hasMessageContaining(reason);
        }
        assertThat(listener.latest().notes()).anyMatch(n -> n.contains(reason));
      }
    }
  }

  /** b_W reaches the loss directly, too: its gradient is more than that. */
  @Test
  void whatAlsoPassesTheLayerIsLeftOut() {
    ComputationGraph net =
        Nets.graph(
            Nets.graph(InputType.feedForward(4))
                .addLayer("a", dense().build(), "in")
                .addLayer("b", dense().build(), "in")
                .addLayer("odd", dense().activation(ODD).build(), "b")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "a", "b", "odd")
                .addLayer("out", output(), "sum")
                .setOutputs("out"));
    Iteration iteration = new Iteration(net, Nets.random(N, 4), Nets.classes(N, 3));
    try (BackPackListener listener = lenient()) {
      Map<String, INDArray> gradient = iteration.watched(listener);
      iteration.compare("a_W", listener, gradient);
      iteration.compare("out_b", listener, gradient);
      assertThatThrownBy(() -> listener.get("b_W", BatchGrad.class))
          .hasMessageContaining("layer \"odd\" (DenseLayer)");
    }
  }

  /** DL4J has the steps of all samples as rows there. */
  @Test
  void rowsOfSteps() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(2, 4),
            dense().activation(ODD).build(),
            new DenseLayer.Builder().nOut(3).build(),
            new SimpleRnn.Builder().nOut(2).build(),
            new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build());
    INDArray y = Nd4j.zeros(Nets.random(1).dataType(), N, 3, 4);
    for (int k = 0; k < N * 4; k++) {
      y.putScalar(k / 4, (k * k) % 3, k % 4, 1);
    }
    Iteration iteration = new Iteration(net, Nets.random(N, 2, 4), y);
    try (BackPackListener listener = lenient()) {
      Map<String, INDArray> gradient = iteration.watched(listener);
      for (String parameter : List.of("1_W", "2_RW", "3_W")) {
        iteration.compare(parameter, listener, gradient);
      }
    }
  }

  /** A dropout may have changed in place what the layer answered: the graph begins behind it. */
  @Test
  void dropoutBehindTheLayer() {
    MultiLayerNetwork network =
        Nets.sequential(
            InputType.feedForward(4),
            dense().activation(ODD).build(),
            new DropoutLayer(0.5),
            dense().dropOut(0.7).build(),
            output());
    for (Model net : List.of(network, network.toComputationGraph())) {
      Iteration iteration = new Iteration(net, Nets.random(N, 4), Nets.classes(N, 3));
      try (BackPackListener listener = lenient()) {
        Map<String, INDArray> gradient = iteration.watched(listener);
        iteration.compare("3_W", listener, gradient);
        assertThatThrownBy(() -> listener.get("2_W", BatchGrad.class))
            .hasMessageContaining("layer \"2\" (DenseLayer): DL4J may have changed in place")
            .hasMessageContaining("convert that layer too");
      }
    }
  }

  /** Whether the noise was added in place or not, the layer above has the sum. */
  @Test
  void noiseBehindTheLayer() {
    MultiLayerNetwork network =
        Nets.sequential(
            InputType.feedForward(4),
            dense().activation(ODD).build(),
            dense().dropOut(new GaussianNoise(0.3)).build(),
            output());
    for (Model net : List.of(network, network.toComputationGraph())) {
      Iteration iteration = new Iteration(net, Nets.random(N, 4), Nets.classes(N, 3));
      try (BackPackListener listener = lenient()) {
        Map<String, INDArray> gradient = iteration.watched(listener);
        iteration.compare("1_W", listener, gradient);
        iteration.compare("2_W", listener, gradient);
      }
    }
  }

  @Test
  void trainingGoesOnAsWithoutForBatchesOfAnySize() {
    MultiLayerNetwork plain = images();
    MultiLayerNetwork watched = images();
    try (BackPackListener listener = lenient()) {
      watched.setListeners(listener);
      for (MultiLayerNetwork net : List.of(plain, watched)) {
        Nd4j.getRandom().setSeed(3);
        for (int n : new int[] {4, 2, 4, 3}) {
          net.fit(new DataSet(Nets.random(n, 1, 5, 5), Nets.classes(n, 3)));
          if (net == watched) {
            assertThat(listener.get("2_W", BatchGrad.class).size(0)).isEqualTo(n);
          }
        }
      }
    }
    assertThat(watched.params()).isEqualTo(plain.params());
  }

  private static MultiLayerNetwork images() {
    return Nets.sequential(
        InputType.convolutional(5, 5, 1),
        new ConvolutionLayer.Builder(2, 2).nOut(2).activation(ODD).build(),
        new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
        output());
  }

  @Test
  void nothingIsLeftWhereTheOutputStandsInTheWay() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4),
            dense().build(),
            new OutputLayer.Builder(LossFunction.MSE).nOut(1).activation(ODD).build());
    assertThatThrownBy(() -> lenient().check(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"1\" (OutputLayer): " + WHY);
  }

  static Stream<MaskedCase> masked() {
    SimpleRnn rnn = new SimpleRnn.Builder().nOut(3).build();
    GlobalPoolingLayer pool = new GlobalPoolingLayer(PoolingType.AVG);
    return Stream.of(
        MaskedCase.series(
            "recurrent",
            new SimpleRnn.Builder().nOut(3).activation(ODD).build(),
            rnn.clone(),
            pool,
            output()),
        MaskedCase.series(
            "rows of steps", dense().activation(ODD).build(), rnn.clone(), pool, output()),
        MaskedCase.series(
            "convolution over time",
            new Convolution1DLayer.Builder(2).stride(2).nOut(3).activation(ODD).build(),
            rnn.clone(),
            pool,
            output()),
        MaskedCase.images(
            "convolution",
            MaskedCase.places(1, 6, 5),
            new ConvolutionLayer.Builder(2, 2).nOut(2).activation(ODD).build(),
            new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
            pool,
            output()));
  }

  /** The mask behind the layer is that which DL4J hands on. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("masked")
  void masksGoOnBehindTheLayer(MaskedCase masked) {
    MultiLayerNetwork network = (MultiLayerNetwork) masked.net().get();
    maskGoesOn(network.toComputationGraph(), masked.batch());
    if (!masked.name().startsWith("convolution")) { // of which it keeps no mask
      maskGoesOn(network, masked.batch());
    }
  }

  private static void maskGoesOn(Model net, MultiDataSet batch) {
    Iteration iteration =
        new Iteration(net, batch.getFeatures(0), batch.getLabels(0), batch.getFeaturesMaskArray(0));
    Nets.inDoublePrecision(
        () -> {
          try (BackPackListener listener = lenient().verify(1, 2)) {
            Map<String, INDArray> gradient = iteration.watched(listener);
            iteration.compare("1_W", listener, gradient);
            iteration.compare("3_b", listener, gradient);
            assertThatThrownBy(() -> listener.get("0_W", BatchGrad.class))
                .hasMessageContaining(WHY);
          }
        });
  }

  @Test
  void masksEndAtAVertex() {
    ComputationGraph net =
        Nets.graph(
            Nets.builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer("a", dense().nIn(4).build(), "in")
                .addVertex("odd", new ReshapeVertex('f', new int[] {-1, 5}, null), "a")
                .addLayer("out", output(), "odd")
                .setInputTypes(InputType.feedForward(4))
                .setOutputs("out"));
    Iteration iteration =
        new Iteration(net, Nets.random(N, 4), Nets.classes(N, 3), Nd4j.ones(DataType.DOUBLE, N, 1));
    try (BackPackListener listener = lenient()) {
      iteration.watched(listener);
      assertThatThrownBy(listener::outputs)
          .hasMessageContaining("vertex \"odd\" (ReshapeVertex): ");
    }
  }
}
