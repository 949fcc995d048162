package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
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
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A training with the listener is that without it, bit for bit. */
class UndisturbedTrainingTest {
  private static final int N = 4;

  /** A kind of training: how its network is made, and what it is trained with. */
  private record Training(String name, Maker network, MultiDataSet batch) {
    @Override
    public String toString() {
      return name;
    }
  }

  private interface Maker {
    Model make();
  }

  static Stream<Training> trainings() {
    MultiDataSet images = batch(Nets.random(N, 1, 6, 6), Nets.classes(N, 3));
    return Stream.of(
        new Training("sequential, Adam", UndisturbedTrainingTest::sequential, images),
        new Training("single precision, RmsProp", UndisturbedTrainingTest::single, images),
        new Training("residual graph, Nesterovs", UndisturbedTrainingTest::residual, images),
        new Training("dropout", UndisturbedTrainingTest::dropping, images),
        new Training("dropout in place", () -> dropping().toComputationGraph(), images),
        new Training("noise", UndisturbedTrainingTest::noisy, images),
        new Training("noise in place", () -> noisy().toComputationGraph(), images),
        new Training("random slopes", UndisturbedTrainingTest::randomSlopes, images),
        new Training("batch normalisation, Adam", UndisturbedTrainingTest::normalised, images),
        new Training("LSTM with masks", () -> lstm(BackpropType.Standard), series(true)),
        new Training("LSTM in parts", () -> lstm(BackpropType.TruncatedBPTT), series(false)),
        new Training("two inputs and outputs", UndisturbedTrainingTest::twofold, pair()));
  }

  private static MultiDataSet batch(INDArray features, INDArray labels) {
    return new MultiDataSet(features, labels);
  }

  private static MultiDataSet pair() {
    return new MultiDataSet(
        new INDArray[] {Nets.random(N, 3), Nets.random(N, 5)},
        new INDArray[] {Nets.classes(N, 3), Nets.random(N, 2)});
  }

  private static MultiDataSet series(boolean masked) {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, N, 3, 5);
    for (int n = 0; n < N; n++) {
      for (int t = 0; t < 5; t++) {
        labels.putScalar(n, (n + t) % 3, t, 1);
      }
    }
    INDArray mask = Nd4j.ones(DataType.DOUBLE, N, 5);
    mask.putScalar(1, 4, 0);
    mask.putScalar(2, 3, 0);
    mask.putScalar(2, 4, 0);
    INDArray[] masks = masked ? new INDArray[] {mask} : null;
    return new MultiDataSet(
        new INDArray[] {Nets.random(N, 2, 5)}, new INDArray[] {labels}, masks, masks);
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static Layer[] layers() {
    return new Layer[] {
      new ConvolutionLayer.Builder(3, 3).nOut(2).build(),
      new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {2, 2}).build(),
      new DenseLayer.Builder().nOut(4).build(),
      output()
    };
  }

  private static Model sequential() {
    return Nets.sequential(
        Nets.builder().updater(new Adam(0.01)).l2(0.01),
        InputType.convolutional(6, 6, 1),
        layers());
  }

  private static Model single() {
    NeuralNetConfiguration.Builder builder =
        Nets.builder()
            .dataType(DataType.FLOAT)
            .updater(new RmsProp(0.01))
            .l1(0.01)
            .gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue);
    return Nets.sequential(builder, InputType.convolutional(6, 6, 1), layers());
  }

  private static Model residual() {
    return Nets.graph(
        Nets.builder()
            .updater(new Nesterovs(0.1, 0.9))
            .graphBuilder()
            .addInputs("in")
            .setInputTypes(InputType.convolutional(6, 6, 1))
            .addLayer("a", new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(2).build(), "in")
            .addLayer("b", new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(2).build(), "a")
            .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "a", "b")
            .addLayer("out", output(), "sum")
            .setOutputs("out"));
  }

  private static MultiLayerNetwork dropping() {
    return Nets.sequential(
        Nets.builder().updater(new Adam(0.01)),
        InputType.convolutional(6, 6, 1),
        new ConvolutionLayer.Builder(3, 3).nOut(2).build(),
        new DenseLayer.Builder().nOut(4).dropOut(0.7).build(),
        new DropoutLayer(0.5),
        output());
  }

  private static MultiLayerNetwork noisy() {
    return Nets.sequential(
        Nets.builder().updater(new Adam(0.01)).weightNoise(new DropConnect(0.7)),
        InputType.convolutional(6, 6, 1),
        new ConvolutionLayer.Builder(3, 3).nOut(2).build(),
        new DenseLayer.Builder().nOut(4).dropOut(new GaussianNoise(0.3)).build(),
        output());
  }

  /** In the default type, which RReLU needs. */
  private static Model randomSlopes() {
    return Nets.sequential(
        Nets.builder().dataType(DataType.FLOAT).updater(new Adam(0.01)),
        InputType.convolutional(6, 6, 1),
        new ConvolutionLayer.Builder(3, 3).nOut(2).activation(Activation.RRELU).build(),
        new DenseLayer.Builder().nOut(4).build(),
        output());
  }

  private static Model normalised() {
    return Nets.graph(
        Nets.builder()
            .updater(new Adam(0.01))
            .graphBuilder()
            .addInputs("in")
            .setInputTypes(InputType.convolutional(6, 6, 1))
            .addLayer("a", new ConvolutionLayer.Builder(3, 3).nOut(2).build(), "in")
            .addLayer("norm", new BatchNormalization.Builder().build(), "a")
            .addLayer("out", output(), "norm")
            .setOutputs("out"));
  }

  private static Model lstm(BackpropType type) {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            Nets.builder()
                .updater(new Adam(0.01))
                .list()
                .layer(new LSTM.Builder().nOut(3).build())
                .layer(
                    new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.recurrent(2))
                .backpropType(type)
                .tBPTTLength(3)
                .build());
    net.init();
    return net;
  }

  private static Model twofold() {
    return Nets.graph(
        Nets.builder()
            .updater(new Adam(0.01))
            .graphBuilder()
            .addInputs("left", "right")
            .setInputTypes(InputType.feedForward(3), InputType.feedForward(5))
            .addLayer("a", new DenseLayer.Builder().nOut(2).build(), "left")
            .addLayer("b", new DenseLayer.Builder().nOut(3).build(), "right")
            .addVertex("both", new MergeVertex(), "a", "b")
            .addLayer("classes", output(), "both")
            .addLayer(
                "numbers",
                new OutputLayer.Builder(LossFunction.MSE)
                    .nOut(2)
                    .activation(Activation.IDENTITY)
                    .build(),
                "both")
            .setOutputs("classes", "numbers"));
  }

  // ---- trainings ----

  /** What a training leaves behind. */
  private record Outcome(
      INDArray parameters, INDArray updater, List<Double> scores, double nextRandom) {}

  private static Outcome train(Model net, MultiDataSet batch, TrainingListener... before) {
    List<Double> scores = new ArrayList<>();
    List<TrainingListener> listeners = new ArrayList<>(Arrays.asList(before));
    listeners.add(
        new BaseTrainingListener() {
          @Override
          public void iterationDone(Model model, int iteration, int epoch) {
            scores.add(model.score());
          }
        });
    Nd4j.getRandom().setSeed(5);
    for (int k = 0; k < 20; k++) {
      if (net instanceof ComputationGraph graph) {
        graph.setListeners(listeners);
        graph.fit(batch);
      } else {
        MultiLayerNetwork network = (MultiLayerNetwork) net;
        network.setListeners(listeners);
        network.fit(single(batch));
      }
    }
    return new Outcome(net.params(), updater(net), scores, Nd4j.getRandom().nextDouble());
  }

  private static DataSet single(MultiDataSet batch) {
    return new DataSet(
        batch.getFeatures(0),
        batch.getLabels(0),
        batch.getFeaturesMaskArray(0),
        batch.getLabelsMaskArray(0));
  }

  private static INDArray updater(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getUpdater().getStateViewArray()
        : ((MultiLayerNetwork) net).getUpdater().getStateViewArray();
  }

  private static void compare(Outcome plain, Outcome watched) {
    assertThat(bits(watched.parameters())).as("parameters").isEqualTo(bits(plain.parameters()));
    assertThat(bits(watched.updater())).as("updater").isEqualTo(bits(plain.updater()));
    assertThat(watched.scores()).as("scores").isEqualTo(plain.scores());
    assertThat(watched.nextRandom()).as("random numbers").isEqualTo(plain.nextRandom());
  }

  private static double[] bits(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }

  @ParameterizedTest
  @MethodSource("trainings")
  void parametersUpdaterScoresAndRandomNumbersAreTheSame(Training training) {
    Outcome plain = train(training.network().make(), training.batch());
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact(), new DiagGGNMC(2, 1))
            .runningStatistics()
            .gradientTolerance(Double.MAX_VALUE)) {
      Outcome watched = train(training.network().make(), training.batch(), listener);
      compare(plain, watched);
      assertThat(listener.latest().iteration()).isEqualTo(plain.scores().size() - 1);
    }
  }

  @Test
  void soTheyAreWhereTheListenerFails() {
    Maker dropping =
        () ->
            Nets.sequential(
                Nets.builder().updater(new Adam(0.01)),
                InputType.feedForward(3),
                new DenseLayer.Builder().nOut(5).dropOut(0.5).build(),
                output());
    MultiDataSet batch = batch(Nets.random(N, 3), Nets.classes(N, 3));
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .onStep(
                s -> {
                  throw new IllegalStateException("the callback's own");
                })) {
      compare(train(dropping.make(), batch), train(dropping.make(), batch, listener));
      assertThatThrownBy(listener::outputs).isInstanceOf(IllegalStateException.class);
    }
  }

  static Stream<Arguments> lineSearches() {
    return Stream.of(
            OptimizationAlgorithm.LINE_GRADIENT_DESCENT,
            OptimizationAlgorithm.CONJUGATE_GRADIENT,
            OptimizationAlgorithm.LBFGS)
        .flatMap(a -> Stream.of(Arguments.of(a, false), Arguments.of(a, true)));
  }

  /** An iteration makes several passes, at parameters that it tries; the first is the step's. */
  @ParameterizedTest
  @MethodSource("lineSearches")
  void aLineSearchHasOneStepAnIterationAtTheParametersBeforeIt(
      OptimizationAlgorithm algorithm, boolean graph) {
    Maker maker = () -> searching(algorithm, graph);
    MultiDataSet batch = batch(Nets.random(N, 3), Nets.classes(N, 3));
    MultiDataSet other = batch(Nets.random(N + 1, 3), Nets.classes(N + 1, 3));
    Outcome plain = train(maker.make(), batch);
    Model net = maker.make();
    List<Integer> iterations = new ArrayList<>();
    INDArray[] before = {net.params().dup()};
    int[] passes = new int[1];
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .onStepOf(
                (trained, step) -> {
                  iterations.add(step.iteration());
                  assertThat(trained.params()).isEqualTo(before[0]);
                })) {
      TrainingListener begin =
          new BaseTrainingListener() {
            @Override
            public void onBackwardPass(Model model) {
              passes[0]++;
            }

            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
              before[0] = model.params().dup();
              assertThat(listener.latest().iteration()).isEqualTo(iteration);
            }
          };
      compare(plain, train(net, batch, listener, begin));
      assertThat(passes[0]).isGreaterThan(iterations.size());
      assertThat(iterations).hasSize(20).doesNotHaveDuplicates();
      // a gradient that somebody asks for between two iterations is heard, and does not hide the
      // next
      before[0] = net.params().dup();
      gradient(net, other);
      assertThat(listener.latest().quantities().get("0_W", BatchGrad.class).size(0))
          .isEqualTo(N + 1);
      gradient(net, batch);
      assertThat(listener.latest().quantities().get("0_W", BatchGrad.class).size(0)).isEqualTo(N);
    }
  }

  private static Model searching(OptimizationAlgorithm algorithm, boolean graph) {
    NeuralNetConfiguration.Builder builder =
        Nets.builder()
            .updater(new Adam(0.01))
            .optimizationAlgo(algorithm)
            .maxNumLineSearchIterations(5);
    DenseLayer hidden = new DenseLayer.Builder().nOut(5).build();
    return graph
        ? Nets.graph(
            builder
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.feedForward(3))
                .addLayer("0", hidden, "in")
                .addLayer("out", output(), "0")
                .setOutputs("out"))
        : Nets.sequential(builder, InputType.feedForward(3), hidden, output());
  }

  private static void gradient(Model net, MultiDataSet batch) {
    if (net instanceof ComputationGraph graph) {
      graph.setInputs(batch.getFeatures());
      graph.setLabels(batch.getLabels());
      graph.computeGradientAndScore();
    } else {
      ((MultiLayerNetwork) net).setInput(batch.getFeatures(0));
      ((MultiLayerNetwork) net).setLabels(batch.getLabels(0));
      ((MultiLayerNetwork) net).computeGradientAndScore();
    }
  }
}
