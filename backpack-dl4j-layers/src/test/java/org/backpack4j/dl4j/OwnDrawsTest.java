package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Layers of a person's own that draw random numbers, or read shapes. */
class OwnDrawsTest {
  private static final DataSet BATCH = new DataSet(Nets.random(4, 5), Nets.classes(4, 3));

  /** A layer of one input that keeps its shape. */
  abstract static class Lambda extends SameDiffLambdaLayer {
    private static final long serialVersionUID = 1L;

    @Override
    public InputType getOutputType(int index, InputType input) {
      return input;
    }
  }

  /** Adds noise that the graph draws. */
  public static final class Noisy extends Lambda {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLayer(SameDiff sd, SDVariable x) {
      return x.add(sd.random().normal(0, 0.5, DataType.DOUBLE, 6));
    }
  }

  /** Draws constants when it is defined. */
  public static final class NoisyOnce extends Lambda {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLayer(SameDiff sd, SDVariable x) {
      return x.add(sd.constant(Nd4j.rand(DataType.DOUBLE, 1, 6)));
    }
  }

  /** Dropout of SameDiff's that keeps everything. */
  public static final class Keeping extends Lambda {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLayer(SameDiff sd, SDVariable x) {
      return sd.nn().dropout(x.castTo(DataType.FLOAT), 1.0).castTo(DataType.DOUBLE);
    }
  }

  /** x W / √F, the number of features read off the shape. */
  public static final class Scaled extends SameDiffLayer {
    private static final long serialVersionUID = 1L;

    @Override
    public void defineParameters(SDLayerParams parameters) {
      parameters.addWeightParam("W", 6, 6);
    }

    @Override
    public void initializeParameters(Map<String, INDArray> parameters) {
      parameters.get("W").assign(Nd4j.eye(6).muli(0.7).addi(0.1));
    }

    @Override
    public SDVariable defineLayer(
        SameDiff sd, SDVariable x, Map<String, SDVariable> parameters, SDVariable mask) {
      SDVariable features = sd.sizeAt(x, 1).castTo(DataType.DOUBLE);
      return x.mmul(parameters.get("W").div(sd.math().sqrt(features)));
    }

    @Override
    public InputType getOutputType(int index, InputType input) {
      return input;
    }
  }

  static Stream<Layer> drawing() {
    return Stream.of(new Noisy(), new NoisyOnce());
  }

  private static MultiLayerNetwork network(Layer middle) {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(3)
                .dataType(DataType.DOUBLE)
                .updater(new Sgd(0.1))
                .activation(Activation.TANH)
                .list()
                .layer(new DenseLayer.Builder().nOut(6).build())
                .layer(middle)
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.feedForward(5))
                .build());
    net.init();
    return net;
  }

  private static List<Long> generator() {
    return List.of(Nd4j.getRandom().rootState(), Nd4j.getRandom().nodeState());
  }

  @ParameterizedTest
  @MethodSource("drawing")
  void aLayerThatDrawsIsRefusedByName(Layer layer) {
    MultiLayerNetwork net = network(layer);
    net.fit(BATCH); // DL4J's own definition
    List<Long> before = generator();
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"1\"")
        .hasMessageContaining("draws random numbers");
    assertThatThrownBy(() -> Dl4jConverter.on(net).like(BATCH).convert())
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("draws random numbers");
    Dl4jConverter.obstacles(net);
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      assertThatThrownBy(() -> listener.check(net, BATCH))
          .hasMessageContaining("draws random numbers");
    }
    assertThat(generator()).isEqualTo(before);
  }

  @ParameterizedTest
  @MethodSource("drawing")
  void trainingDrawsAsWithoutTheListener(Layer layer) {
    INDArray plain = trained(network(layer));
    double next = Nd4j.getRandom().nextDouble();
    for (boolean lenient : new boolean[] {false, true}) {
      try (BackPackListener listener = new BackPackListener(new BatchGrad(), new DiagGGNExact())) {
        if (lenient) {
          listener.lenient();
        }
        assertThat(trained(network(layer.clone()), listener)).isEqualTo(plain);
        assertThat(Nd4j.getRandom().nextDouble()).isEqualTo(next);
        if (lenient) {
          assertThat(listener.outputs())
              .containsKey("2_W.grad_batch")
              .doesNotContainKey("0_W.grad");
        } else {
          assertThatThrownBy(listener::latest).hasStackTraceContaining("draws random numbers");
        }
      }
    }
  }

  private static INDArray trained(MultiLayerNetwork net, TrainingListener... listeners) {
    net.setListeners(listeners);
    Nd4j.getRandom().setSeed(8);
    for (int k = 0; k < 3; k++) {
      net.fit(BATCH);
    }
    return net.params().dup();
  }

  /** No way in moves the generator, for a layer that keeps everything as well. */
  @Test
  void noWayInMovesTheGenerator() {
    for (Layer layer : List.of(new Keeping(), new Scaled())) {
      MultiLayerNetwork net = network(layer);
      List<Long> before = generator();
      ConvertedNetwork converted = Dl4jConverter.toSameDiff(net);
      assertThat(generator()).as("toSameDiff").isEqualTo(before);
      Map<String, INDArray> feeds = converted.feeds(BATCH);
      try (ExtendedGraph graph =
              converted.extend(new BatchGrad(), new DiagGGNExact(), new DiagGGNMC(2));
          BackPackListener listener = new BackPackListener(new BatchGrad(), new DiagGGNMC(1))) {
        assertThat(generator()).as("extend").isEqualTo(before);
        graph.evaluate(feeds);
        assertThat(generator()).as("evaluate").isEqualTo(before);
        listener.check(net);
        listener.check(net, BATCH);
        assertThat(generator()).as("check").isEqualTo(before);
      }
    }
  }

  /** The listener does not move it either: a step's draws are those of the training alone. */
  @Test
  void theListenerMovesNoGenerator() {
    MultiLayerNetwork net = network(new Scaled());
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact(), new DiagGGNMC(1))
            .gradientTolerance(10)
            .verify(1, 1)) {
      net.setListeners(listener);
      List<Long> before = generator();
      net.fit(BATCH);
      assertThat(generator()).isEqualTo(before);
      assertThat(listener.outputs()).containsKey("1_W.diag_ggn_exact");
    }
  }

  @Test
  void aWeightDividedByANumberReadOffAShape() {
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(network(new Scaled()));
    Map<String, INDArray> feeds = converted.feeds(BATCH);
    try (ExtendedGraph graph = converted.extend(new BatchGrad(), new DiagGGNExact())) {
      Map<String, INDArray> answer = graph.output(feeds, graph.outputNames());
      BruteForce.on(converted.sameDiff(), feeds).verifier().entries(1).verify(answer).orThrow();
      assertThat(answer.get("1_W.diag_ggn_exact").amaxNumber().doubleValue()).isPositive();
    }
  }
}
