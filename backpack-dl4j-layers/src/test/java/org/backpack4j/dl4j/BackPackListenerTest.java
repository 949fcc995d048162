package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backpack4j.dl4j.internal.listen.GradientComparison;
import org.backpack4j.dl4j.internal.listen.NetworkEvaluator;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationGELU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.slf4j.LoggerFactory;

class BackPackListenerTest {
  private static final INDArray IMAGES = Nets.random(4, 1, 6, 6);
  private static final INDArray CLASSES = Nets.classes(4, 3);

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork sequential() {
    return sequential(DataType.DOUBLE);
  }

  private static MultiLayerNetwork sequential(DataType type) {
    return Nets.sequential(
        Nets.builder().dataType(type),
        InputType.convolutional(6, 6, 1),
        new ConvolutionLayer.Builder(3, 3).nOut(2).build(),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {2, 2}).build(),
        new DenseLayer.Builder().nOut(4).build(),
        output());
  }

  private static ComputationGraph graph() {
    return Nets.graph(
        Nets.graph(InputType.convolutional(6, 6, 1))
            .addLayer("conv1", new ConvolutionLayer.Builder(3, 3).nOut(2).build(), "in")
            .addLayer("dense", new DenseLayer.Builder().nOut(4).build(), "conv1")
            .addLayer("out", output(), "dense")
            .setOutputs("out"));
  }

  private static ComputationGraph normalised() {
    return Nets.graph(
        Nets.graph(InputType.convolutional(6, 6, 1))
            .addLayer("conv1", new ConvolutionLayer.Builder(3, 3).nOut(2).build(), "in")
            .addLayer("norm", new BatchNormalization.Builder().build(), "conv1")
            .addLayer("out", output(), "norm")
            .setOutputs("out"));
  }

  static Stream<Supplier<Model>> networks() {
    return Stream.of(
        BackPackListenerTest::sequential,
        BackPackListenerTest::graph,
        BackPackListenerTest::normalised);
  }

  private static void fit(Model net, int iterations) {
    for (int k = 0; k < iterations; k++) {
      if (net instanceof ComputationGraph graph) {
        graph.fit(new DataSet(IMAGES, CLASSES));
      } else {
        ((MultiLayerNetwork) net).fit(new DataSet(IMAGES, CLASSES));
      }
    }
  }

  private static void listen(Model net, TrainingListener... listeners) {
    if (net instanceof ComputationGraph graph) {
      graph.setListeners(listeners);
    } else {
      ((MultiLayerNetwork) net).setListeners(listeners);
    }
  }

  @ParameterizedTest
  @MethodSource("networks")
  void quantitiesAreThoseOfTheParametersBeforeTheStep(Supplier<Model> networks) {
    Model net = networks.get();
    fit(net, 2);
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(net, new long[] {1, 6, 6});
    Map<String, INDArray> expected;
    try (ExtendedGraph graph = converted.extend(new BatchGrad())) {
      expected = graph.output(converted.feeds(new DataSet(IMAGES, CLASSES)), graph.outputNames());
    }
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      listen(net, listener);
      fit(net, 1);
      assertThat(listener.outputs()).isEqualTo(expected);
    }
  }

  @Test
  void theGradientIsDl4jsAndTheMeansScaleDividesByTheSamples() {
    ComputationGraph net = graph();
    List<INDArray> gradient = new ArrayList<>();
    try (BackPackListener sum = new BackPackListener(new BatchGrad(), new DiagGGNExact());
        BackPackListener mean =
            new BackPackListener(new BatchGrad(), new DiagGGNExact()).scale(Scale.MEAN)) {
      listen(net, sum, mean, gradients(gradient));
      fit(net, 1);
      INDArray own = sum.latest().quantities().gradient("conv1_W");
      assertThat(own.sub(gradient.get(0)).amaxNumber().doubleValue()).isLessThan(1e-12);
      assertThat(own.shape()).containsExactly(2, 1, 3, 3);
      assertThat(mean.latest().quantities().gradient("conv1_W").mul(4).sub(own).amaxNumber())
          .satisfies(n -> assertThat(n.doubleValue()).isLessThan(1e-12));
      assertThat(
              mean.get("conv1_W", DiagGGNExact.class)
                  .mul(4)
                  .sub(sum.get("conv1_W", DiagGGNExact.class))
                  .amaxNumber()
                  .doubleValue())
          .isCloseTo(0, within(1e-12));
    }
  }

  private static TrainingListener gradients(List<INDArray> gradients) {
    return new BaseTrainingListener() {
      @Override
      public void onGradientCalculation(Model model) {
        gradients.add(model.gradient().gradientForVariable().get("conv1_W").dup());
      }
    };
  }

  @Test
  void onlyIterationsAndParametersChosenAreEvaluated() {
    MultiLayerNetwork net = sequential();
    List<Integer> iterations = new ArrayList<>();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .everyNIterations(3)
            .parameters("0_W", "3_b")
            .onStep(s -> iterations.add(s.iteration()))) {
      listen(net, listener);
      fit(net, 8);
      assertThat(iterations).containsExactly(0, 3, 6);
      assertThat(listener.outputs().keySet())
          .containsExactlyInAnyOrder("0_W.grad", "0_W.grad_batch", "3_b.grad", "3_b.grad_batch");
    }
  }

  @Test
  void bruteForceCanBeAskedForDuringTraining() {
    MultiLayerNetwork net = sequential();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact()).verify(2, 2)) {
      listen(net, listener);
      fit(net, 3);
      assertThat(listener.latest().iteration()).isEqualTo(2);
    }
  }

  @Test
  void batchesOfAnotherSizeOrShapeAreEvaluated() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), new DenseLayer.Builder().nOut(3).build(), output());
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      listen(net, listener);
      for (int n : new int[] {5, 1, 3}) {
        net.fit(new DataSet(Nets.random(n, 4), Nets.classes(n, 3)));
        assertThat(listener.get("0_W", BatchGrad.class).shape()).containsExactly(n, 4, 3);
      }
    }
  }

  @Test
  void secondOrderOfCoupledSamplesIsRefusedBeforehand() {
    ComputationGraph net = normalised();
    BackPackListener listener = new BackPackListener(new BatchGrad(), new DiagGGNExact());
    assertThatThrownBy(() -> listener.check(net, new DataSet(IMAGES, CLASSES)))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("norm")
        .hasMessageContaining("runningStatistics()");
  }

  @Test
  void withRunningStatisticsSecondOrderIsThatOfEvaluation() {
    ComputationGraph net = normalised();
    fit(net, 3);
    ConvertedNetwork evaluation =
        Dl4jConverter.on(net)
            .inputShapes(new long[] {1, 6, 6})
            .statistics(BatchStatistics.RUNNING)
            .convert();
    Map<String, INDArray> feeds = evaluation.feeds(new DataSet(IMAGES, CLASSES));
    INDArray probabilities =
        evaluation
            .sameDiff()
            .output(feeds, evaluation.activations("out"))
            .get(evaluation.activations("out"));
    assertThat(probabilities.sub(net.outputSingle(IMAGES)).amaxNumber().doubleValue())
        .isLessThan(1e-12);
    try (ExtendedGraph graph = evaluation.extend(new DiagGGNExact());
        BackPackListener listener =
            new BackPackListener(new BatchGrad(), new DiagGGNExact()).runningStatistics()) {
      Map<String, INDArray> expected =
          graph.output(feeds, graph.outputsOf(new DiagGGNExact()).values());
      listen(net, listener);
      fit(net, 1);
      assertThat(listener.outputs()).containsAllEntriesOf(expected);
      assertThat(listener.latest().notes()).anyMatch(n -> n.contains("running statistics"));
      assertThat(listener.outputs()).containsKeys("norm_gamma.grad_batch", "conv1_W.grad");
    }
  }

  @Test
  void graphsThatAreMadeAgainAndAgainAreToldInTheLog() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(2), new RnnOutputLayer.Builder(LossFunction.MSE).nOut(1).build());
    Logger logger = (Logger) LoggerFactory.getLogger(NetworkEvaluator.class);
    Level before = logger.getLevel();
    logger.setLevel(Level.INFO);
    ListAppender<ILoggingEvent> appender = new ListAppender<>();
    appender.start();
    logger.addAppender(appender);
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      listen(net, listener);
      for (int length = 1; length <= 11; length++) {
        net.fit(new DataSet(Nets.random(2, 2, length), Nets.random(2, 1, length)));
        assertThat(appender.list)
            .extracting(ILoggingEvent::getFormattedMessage)
            .filteredOn(m -> m.contains("shapes of batches, and 8 are kept") && m.contains("masks"))
            .hasSize(length <= 8 ? 0 : length <= 9 ? 1 : 2);
      }
    } finally {
      logger.detachAppender(appender);
      logger.setLevel(before);
    }
  }

  /** What many layers refuse for one reason is one line, which begins with what to do. */
  @Test
  void batchNormalisationIsRefusedInOneLineThatNamesItsLayers() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(4).build(),
            new BatchNormalization.Builder().build(),
            new DenseLayer.Builder().nOut(4).build(),
            new BatchNormalization.Builder().build(),
            new DenseLayer.Builder().nOut(4).build(),
            new BatchNormalization.Builder().build(),
            output());
    String line =
        "ask the listener for runningStatistics(): these quantities are then those of evaluation"
            + " mode, since samples influence each other through the batch's statistics. Where: 3"
            + " places: layer \"1\", layer \"3\", layer \"5\". Not to be had: diag_ggn_exact,"
            + " diag_ggn_mc.";
    DataSet batch = new DataSet(Nets.random(4, 4), CLASSES);
    try (BackPackListener strict =
            new BackPackListener(new BatchGrad(), new DiagGGNExact(), new DiagGGNMC());
        BackPackListener lenient =
            new BackPackListener(new BatchGrad(), new DiagGGNExact(), new DiagGGNMC()).lenient()) {
      assertThatThrownBy(() -> strict.check(net, batch))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessage(
              "The graph cannot be extended:\n  - "
                  + line
                  + "\nlenient() leaves these quantities out and keeps everything else.");
      listen(net, lenient);
      net.fit(batch);
      assertThat(lenient.latest().notes()).containsExactly(line);
    }
  }

  /** x + mean(x) W: samples influence each other, and W's gradient is not a sum over them. */
  private static final class Meaning extends SameDiffLayer {
    private static final long serialVersionUID = 1L;

    @Override
    public void defineParameters(SDLayerParams parameters) {
      parameters.addWeightParam("M", 4, 4);
    }

    @Override
    public void initializeParameters(Map<String, INDArray> parameters) {
      parameters.get("M").assign(0.3);
    }

    @Override
    public SDVariable defineLayer(
        SameDiff sd, SDVariable x, Map<String, SDVariable> parameters, SDVariable mask) {
      return x.add(x.mean(true, 0).mmul(parameters.get("M")));
    }

    @Override
    public InputType getOutputType(int index, InputType input) {
      return input;
    }
  }

  /** Two graphs are made: the gradients' in training, second-order quantities' in evaluation. */
  @Test
  void whatBothGraphsRefuseIsToldAtOnce() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(4).build(),
            new BatchNormalization.Builder().build(),
            new Meaning(),
            output());
    BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact()).runningStatistics();
    assertThatThrownBy(() -> listener.check(net, new DataSet(Nets.random(4, 4), CLASSES)))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("grad_batch")
        .hasMessageContaining("diag_ggn_exact");
  }

  @Test
  void aLenientListenerLeavesOutWhatCannotBeHad() {
    ComputationGraph net = normalised();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact()).lenient()) {
      listen(net, listener);
      fit(net, 1);
      assertThat(listener.outputs()).containsKeys("conv1_W.grad_batch", "out_W.diag_ggn_exact");
      assertThat(listener.outputs()).doesNotContainKey("conv1_W.diag_ggn_exact");
      assertThat(listener.latest().notes()).anyMatch(n -> n.contains("diag_ggn_exact"));
    }
  }

  @Test
  void whatCannotBeConvertedIsToldBeforehandAndHarmlessDuringTraining() {
    Supplier<MultiLayerNetwork> networks =
        () ->
            Nets.sequential(
                InputType.feedForward(4),
                new DenseLayer.Builder().nOut(5).activation(new ActivationELU(0.5)).build(),
                new DenseLayer.Builder().nOut(5).activation(new ActivationGELU(true)).build(),
                output());
    BackPackListener listener = new BackPackListener(new BatchGrad());
    assertThatThrownBy(() -> listener.check(networks.get()))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"0\"")
        .hasMessageContaining("layer \"1\"");
    MultiLayerNetwork plain = networks.get();
    MultiLayerNetwork watched = networks.get();
    watched.setListeners(listener);
    for (MultiLayerNetwork net : List.of(plain, watched)) {
      Nd4j.getRandom().setSeed(9);
      for (int k = 0; k < 5; k++) {
        net.fit(new DataSet(Nets.random(4, 4), CLASSES));
      }
    }
    assertThat(watched.params()).isEqualTo(plain.params());
    assertThatThrownBy(() -> listener.get("0_W", BatchGrad.class))
        .isInstanceOf(IllegalStateException.class)
        .hasCauseInstanceOf(UnconvertibleNetworkException.class);
  }

  @Test
  void theGraphOfTheCheckIsThatOfTheFirstIteration() {
    AtomicInteger extended = new AtomicInteger();
    Extension counting =
        new Extension() {
          @Override
          public String field() {
            return "counted";
          }

          @Override
          public Columns columns() {
            return Columns.GRADIENT;
          }

          @Override
          public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
            extended.incrementAndGet();
            return new BatchGrad().compute(emit, contributions);
          }
        };
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), new DenseLayer.Builder().nOut(5).build(), output());
    try (BackPackListener listener = new BackPackListener(counting).check(net)) {
      assertThat(extended).hasValue(4); // a weight and a bias in each of two layers
      net.setListeners(listener);
      net.fit(new DataSet(Nets.random(4, 4), CLASSES));
      assertThat(listener.outputs()).containsKey("0_W.counted");
      assertThat(extended).hasValue(4);
    }
  }

  @Test
  void aParameterThatDoesNotExistIsTold() {
    assertThatThrownBy(
            () ->
                new BackPackListener(new BatchGrad())
                    .parameters("conv9_W")
                    .check(graph(), new DataSet(IMAGES, CLASSES)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("conv9_W")
        .hasMessageContaining("conv1_W");
  }

  @Test
  void aGradientThatIsNotDl4jsIsGivenWhereDl4jsIsNotThatOfItsScore() {
    MultiLayerNetwork net = sequential();
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      listen(net, listener);
      net.fit(new DataSet(IMAGES, CLASSES.mul(2)));
      assertThat(listener.latest().notes())
          .anySatisfy(
              n ->
                  assertThat(n)
                      .contains("4 of 4 rows of labels do not add up to one (2.00 to 2.00)")
                      .contains("Along the difference the score changes by")
                      .contains(
                          "DL4J's gradient is not the derivative of its score here; ours is"));
    }
  }

  /** In single precision, too, a difference has a reason, and rounding is none without a proof. */
  @Test
  void aGradientThatIsALittleOffIsLoggedOnceAndNotedEachTime() {
    MultiLayerNetwork net = sequential(DataType.FLOAT);
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    Logger logger = (Logger) LoggerFactory.getLogger(GradientComparison.class);
    logger.addAppender(log);
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      listen(net, listener);
      for (int k = 0; k < 3; k++) {
        net.fit(new DataSet(IMAGES, CLASSES.mul(1.04)));
        assertThat(listener.latest().notes())
            .anySatisfy(
                n ->
                    assertThat(n)
                        .contains("off from DL4J's")
                        .contains("1.04")
                        .doesNotContain("rounding"));
      }
    } finally {
      logger.detachAppender(log);
    }
    assertThat(log.list).hasSize(1);
    assertThat(log.list.get(0).getLevel()).isEqualTo(Level.WARN);
    assertThat(log.list.get(0).getFormattedMessage()).contains("off from DL4J's");
  }

  /**
   * ND4J's gradient of a look-up is wrong, DL4J's isn't, and nobody takes ND4J's of the conversion.
   */
  @Test
  void nobodyIsWarnedOfAGraphThatNobodyTrains() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            Nets.builder()
                .list()
                .layer(new EmbeddingLayer.Builder().nIn(7).nOut(4).build())
                .layer(
                    new OutputLayer.Builder().nIn(4).nOut(3).activation(Activation.SOFTMAX).build())
                .build());
    net.init();
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    Logger logger = (Logger) LoggerFactory.getLogger("org.backpack4j");
    logger.addAppender(log);
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      listen(net, listener);
      net.fit(new DataSet(Nd4j.createFromArray(1d, 2, 2, 3).reshape(4, 1), CLASSES));
      assertThat(listener.latest().notes()).isEmpty();
    } finally {
      logger.detachAppender(log);
    }
    assertThat(log.list).isEmpty();
  }

  @Test
  void anExceptionOfACallbackDoesNotReachTheTraining() {
    MultiLayerNetwork net = sequential();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .onStep(
                s -> {
                  throw new IllegalStateException("the callback's own");
                })) {
      listen(net, listener);
      fit(net, 2);
      assertThatThrownBy(listener::outputs).hasMessageContaining("the callback's own");
    }
  }
}
