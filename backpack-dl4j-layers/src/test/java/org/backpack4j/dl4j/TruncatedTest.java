package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Truncated backpropagation through time: a step for each part of a sequence, which begins with the
 * state that the part before has left.
 */
class TruncatedTest {
  private static final int N = 3;
  private static final int T = 7;
  private static final int PART = 3;

  private static RnnOutputLayer output() {
    return new RnnOutputLayer.Builder(LossFunction.MCXENT)
        .nOut(2)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork sequential(double rate, Layer... layers) {
    NeuralNetConfiguration.ListBuilder list = Nets.builder().updater(new Sgd(rate)).list();
    for (Layer layer : layers) {
      list.layer(layer);
    }
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            list.layer(output())
                .setInputType(InputType.recurrent(2))
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTForwardLength(PART)
                .tBPTTBackwardLength(2) // which DL4J does not look at
                .build());
    net.init();
    return net;
  }

  private static Layer[] lstms() {
    return new Layer[] {
      new LSTM.Builder().nOut(3).build(),
      new TimeDistributed(new DenseLayer.Builder().nOut(2).build()),
      new LSTM.Builder().nOut(2).build()
    };
  }

  private static ComputationGraph graph(double rate) {
    return Nets.graph(
        Nets.builder()
            .updater(new Sgd(rate))
            .graphBuilder()
            .addInputs("in")
            .setInputTypes(InputType.recurrent(2))
            .addLayer("lstm", new LSTM.Builder().nOut(3).build(), "in")
            .addLayer("out", output(), "lstm")
            .setOutputs("out")
            .backpropType(BackpropType.TruncatedBPTT)
            .tBPTTLength(PART));
  }

  @SuppressWarnings("deprecation") // GravesLSTM is, and people have it
  private static MultiLayerNetwork graves(double rate) {
    return sequential(rate, new GravesLSTM.Builder().nOut(3).build());
  }

  private static MultiLayerNetwork simple(double rate) {
    return sequential(rate, new SimpleRnn.Builder().nOut(3).build());
  }

  private interface Networks {
    Model of(double rate);
  }

  static Stream<Arguments> networks() {
    return Stream.<Map.Entry<Networks, Boolean>>of(
            Map.entry(rate -> sequential(rate, lstms()), true),
            Map.entry(TruncatedTest::graves, false),
            Map.entry(TruncatedTest::simple, true),
            Map.entry(TruncatedTest::graph, false),
            Map.entry(TruncatedTest::graph, true))
        .map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  private static DataSet batch(boolean masked) {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, N, 2, T);
    for (int n = 0; n < N; n++) {
      for (int t = 0; t < T; t++) {
        labels.putScalar(n, (n + t) % 2, t, 1);
      }
    }
    INDArray mask = Nd4j.ones(DataType.DOUBLE, N, T);
    mask.putScalar(1, T - 1, 0);
    mask.putScalar(2, 4, 0);
    return new DataSet(Nets.random(N, 2, T), labels, null, masked ? mask : null);
  }

  private static List<TrainingStep> steps(Model net, DataSet batch) {
    List<TrainingStep> steps = new ArrayList<>();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .gradientTolerance(Double.MAX_VALUE)
            .onStep(steps::add)) {
      fit(net, batch, listener);
      listener.latest(); // throws, if something went wrong
    }
    return steps;
  }

  /**
   * Compares the loss of each part with DL4J's score, which is right: it is its gradient alone that
   * is taken as if each part began with zeros.
   */
  private static BaseTrainingListener scores() {
    return new BaseTrainingListener() {
      @Override
      public void onBackwardPass(Model net) {
        NetworkBatch batch = NetworkBatch.of(net);
        ConvertedGraph converted =
            NetworkConverter.convert(
                net,
                batch.shape(),
                new NetworkConversion.Choices(
                    Scale.SUM,
                    BatchStatistics.BATCH,
                    false,
                    false,
                    NetworkConverter.converters(List.of())));
        String loss = converted.losses().values().iterator().next().get(0);
        double sum =
            converted.sameDiff().output(converted.feeds(batch), loss).get(loss).getDouble(0);
        assertThat(sum / batch.samples()).isCloseTo(net.score(), within(1e-12));
      }
    };
  }

  private static void fit(Model net, DataSet batch, TrainingListener... listeners) {
    if (net instanceof ComputationGraph graph) {
      graph.setListeners(listeners);
      graph.fit(batch);
    } else if (net instanceof MultiLayerNetwork network) {
      network.setListeners(listeners);
      network.fit(batch);
    }
  }

  @ParameterizedTest
  @MethodSource("networks")
  void eachPartIsAStepThatBeginsWhereTheOneBeforeEnded(Networks networks, boolean masked) {
    List<TrainingStep> steps = new ArrayList<>();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact())
            .verify(3, 1)
            .gradientTolerance(Double.MAX_VALUE)
            .onStep(steps::add)) {
      fit(networks.of(0.1), batch(masked), listener, scores());
      listener.latest(); // throws, if something went wrong
    }
    assertThat(steps).extracting(TrainingStep::iteration).containsExactly(0, 1, 2);
  }

  /** Without a rate the parameters stay, and a sample alone goes through the same states. */
  @ParameterizedTest
  @MethodSource("networks")
  void rowsAreTheGradientsOfTheSamplesAlone(Networks networks, boolean masked) {
    DataSet batch = batch(masked);
    List<TrainingStep> all = steps(networks.of(0), batch);
    assertThat(all).hasSize(3);
    for (int n = 0; n < N; n++) {
      DataSet sample = sample(batch, n);
      List<TrainingStep> alone = steps(networks.of(0), sample);
      for (int part = 0; part < 3; part++) {
        Map<String, INDArray> own = alone.get(part).quantities().outputs();
        Map<String, INDArray> rows = all.get(part).quantities().outputs();
        for (String name : own.keySet()) {
          if (name.endsWith(".grad_batch")) {
            INDArray row = rows.get(name).slice(n);
            INDArray expected = own.get(name).slice(0);
            assertThat(row.sub(expected).amaxNumber().doubleValue())
                .as(name + " of sample " + n + " in part " + part)
                .isLessThan(1e-12);
          }
        }
      }
    }
  }

  /** Twice: M2.1 takes the mask of a single sample for one of single outputs. */
  private static DataSet sample(DataSet batch, int n) {
    return new DataSet(
        twice(batch.getFeatures(), n),
        twice(batch.getLabels(), n),
        null,
        batch.getLabelsMaskArray() == null ? null : twice(batch.getLabelsMaskArray(), n));
  }

  private static INDArray twice(INDArray array, int n) {
    INDArray one = array.slice(n).reshape(first(array));
    return Nd4j.concat(0, one, one);
  }

  private static long[] first(INDArray array) {
    long[] shape = array.shape().clone();
    shape[0] = 1;
    return shape;
  }

  @Test
  void withoutTheStateTheSecondPartWouldHaveAnotherGradient() {
    MultiLayerNetwork net = sequential(0, new LSTM.Builder().nOut(2).build());
    DataSet batch = batch(false);
    INDArray carried = steps(net, batch).get(1).quantities().gradient("0_W");
    DataSet second = new DataSet(part(batch.getFeatures(), 1), part(batch.getLabels(), 1));
    INDArray fresh = steps(net, second).get(0).quantities().gradient("0_W");
    assertThat(carried.sub(fresh).amaxNumber().doubleValue()).isGreaterThan(1e-3);
  }

  private static INDArray part(INDArray array, int k) {
    return array
        .get(
            NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(k * PART, (k + 1) * PART))
        .dup();
  }

  @ParameterizedTest
  @MethodSource("networks")
  void dl4jsGradientOfTheFirstPartAloneIsRight(Networks networks, boolean masked) {
    Model net = networks.of(0.1);
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      List<List<String>> notes = new ArrayList<>();
      listener.onStep(s -> notes.add(s.notes()));
      fit(net, batch(masked), listener);
      assertThat(notes).hasSizeGreaterThan(1);
      assertThat(notes.get(0)).isEmpty();
      assertThat(notes.subList(1, notes.size()))
          .allSatisfy(
              told ->
                  assertThat(told)
                      .anyMatch(n -> n.contains("as if each part of a sequence began with zeros"))
                      .allMatch(n -> n.contains("not the derivative of its score here; ours is")));
    }
  }

  @Test
  void partsAreIterationsOfWhichOneCanChoose() {
    List<Integer> iterations = new ArrayList<>();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .everyNIterations(2)
            .gradientTolerance(Double.MAX_VALUE)
            .onStep(s -> iterations.add(s.iteration()))) {
      MultiLayerNetwork net = sequential(0.1, new LSTM.Builder().nOut(2).build());
      fit(net, batch(false), listener);
      fit(net, batch(false), listener);
    }
    assertThat(iterations).containsExactly(0, 2, 4);
  }

  @SuppressWarnings("deprecation") // it is, and people have it
  static Stream<Arguments> refused() {
    Supplier<LSTM> lstm = () -> new LSTM.Builder().nOut(3).build();
    return Stream.of(
        Arguments.of(new Bidirectional(lstm.get()), "two directions"),
        Arguments.of(new GravesBidirectionalLSTM.Builder().nOut(3).build(), "two directions"),
        Arguments.of(new MaskZeroLayer(lstm.get(), 0), "loses the state"),
        Arguments.of(new FrozenLayer(lstm.get()), "loses the state"));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatDl4jGetsWrongIsRefused(Layer layer, String reason) {
    assertThatThrownBy(() -> new BackPackListener().check(sequential(0.1, layer)))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"0\"")
        .hasMessageContaining(reason)
        .hasMessageContaining("BackpropType.Standard");
  }
}
