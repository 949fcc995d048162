package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Counting;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.internal.evaluate.TrainingRecord;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.slf4j.LoggerFactory;

/** What becomes of failures: of a person's callbacks, and of what cannot be had. */
class ListenerFailuresTest {
  private static final DataSet BATCH = new DataSet(Nets.random(6, 4), Nets.classes(6, 3));

  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final Logger logger = (Logger) LoggerFactory.getLogger(TrainingRecord.class);

  @BeforeEach
  void listen() {
    log.start();
    logger.addAppender(log);
  }

  @AfterEach
  void stopListening() {
    logger.detachAppender(log);
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork network(Layer... hidden) {
    List<Layer> layers = new ArrayList<>(List.of(hidden));
    layers.add(output());
    return Nets.sequential(
        Nets.builder().updater(new Adam(0.01)),
        InputType.feedForward(4),
        layers.toArray(new Layer[0]));
  }

  private static MultiLayerNetwork dense() {
    return network(new DenseLayer.Builder().nOut(5).dropOut(0.8).build());
  }

  private static INDArray trained(MultiLayerNetwork net, int iterations) {
    Nd4j.getRandom().setSeed(3);
    for (int k = 0; k < iterations; k++) {
      net.fit(BATCH);
    }
    return net.params();
  }

  @SuppressWarnings("InfiniteRecursion") // it is to overflow the stack
  private static int deep(int depth) {
    return 1 + deep(depth + 1);
  }

  static Stream<Runnable> failures() {
    return Stream.of(
        () -> {
          throw new IllegalStateException("the callback's own 1.5");
        },
        () -> {
          throw new AssertionError("the callback's own 2.5");
        },
        () -> deep(0),
        () -> {
          throw new InternalError("the callback's own 3.5");
        });
  }

  @ParameterizedTest
  @MethodSource("failures")
  void whatACallbackThrowsIsToldAsItsOwn(Runnable failure) {
    INDArray plain = trained(dense(), 4);
    MultiLayerNetwork net = dense();
    List<Integer> others = new ArrayList<>();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .onStep(
                s -> {
                  if (s.iteration() % 2 == 1) {
                    failure.run();
                  }
                })
            .onStep(s -> others.add(s.iteration()))) {
      net.setListeners(listener);
      assertThat(trained(net, 4)).isEqualTo(plain);
      assertThat(others).containsExactly(0, 1, 2, 3);
      assertThatThrownBy(listener::latest)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("callback of onStep failed in iteration 3")
          .hasMessageNotContaining("could not be computed");
      net.fit(BATCH);
      assertThat(listener.latest().iteration()).isEqualTo(4);
    }
    assertThat(log.list).hasSize(1);
    assertThat(log.list.get(0).getFormattedMessage()).contains("callback of onStep");
  }

  @Test
  void eachKindOfFailureIsLoggedOnce() {
    MultiLayerNetwork net = dense();
    try (BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .onStep(
                s -> {
                  throw new IllegalStateException(
                      s.iteration() < 3 ? "number " + s.iteration() : "another");
                })) {
      net.setListeners(listener);
      trained(net, 6);
    }
    assertThat(log.list).hasSize(2);
    assertThat(log.list.get(0).getThrowableProxy().getMessage()).isEqualTo("number 0");
    assertThat(log.list.get(1).getThrowableProxy().getMessage()).isEqualTo("another");
  }

  @Test
  void aRefusalIsWorkedOutOnceForEachShape() {
    MultiLayerNetwork net = dense();
    Counting counting = new Counting(true);
    try (BackPackListener listener = new BackPackListener(counting)) {
      net.setListeners(listener);
      trained(net, 5);
      assertThat(counting.extended).hasValue(1);
      assertThatThrownBy(listener::latest).hasMessageContaining("the extension's own");
      assertThatThrownBy(() -> listener.check(net, BATCH)).hasMessageContaining("own");
      assertThat(log.list).hasSize(1);
    }
  }

  @Test
  void soItIsWhereHalfOfItCanBeHad() {
    MultiLayerNetwork net =
        network(new DenseLayer.Builder().nOut(5).build(), new BatchNormalization.Builder().build());
    Counting counting = new Counting();
    ListAppender<ILoggingEvent> warnings = new ListAppender<>();
    warnings.start();
    Logger extender =
        (Logger) LoggerFactory.getLogger("org.backpack4j.samediff.internal.extend.Extender");
    extender.addAppender(warnings);
    try (BackPackListener listener =
        new BackPackListener(counting, new DiagGGNExact()).parameters("0_W")) {
      net.setListeners(listener);
      trained(net, 4);
      int extended = counting.extended.get();
      trained(net, 4);
      assertThat(counting.extended).hasValue(extended);
      assertThatThrownBy(listener::latest).hasCauseInstanceOf(UnsupportedGraphException.class);
      assertThat(warnings.list.size()).isLessThanOrEqualTo(1);
    } finally {
      extender.detachAppender(warnings);
    }
  }

  /** A setting made after a check counts, and what was refused before is tried again. */
  @Test
  void aSettingMadeAfterARefusalCounts() {
    MultiLayerNetwork net =
        network(new DenseLayer.Builder().nOut(5).build(), new BatchNormalization.Builder().build());
    try (BackPackListener listener = new BackPackListener(new DiagGGNExact())) {
      net.setListeners(listener);
      trained(net, 1);
      assertThatThrownBy(listener::latest).hasMessageContaining("runningStatistics()");
      listener.runningStatistics();
      trained(net, 1);
      assertThat(listener.outputs()).containsKey("0_W.diag_ggn_exact");
    }
  }

  static Stream<Layer> pretrained() {
    return Stream.of(
        new AutoEncoder.Builder().nOut(5).build(),
        new VariationalAutoencoder.Builder()
            .encoderLayerSizes(6)
            .decoderLayerSizes(6)
            .nOut(5)
            .build());
  }

  @ParameterizedTest
  @MethodSource("pretrained")
  void layersThatPretrainAreNoNetworks(Layer layer) {
    Nets.inDoublePrecision(
        () -> {
          MultiLayerNetwork net = network(layer);
          try (BackPackListener listener = new BackPackListener(new BatchL2Grad())) {
            net.setListeners(listener);
            net.pretrainLayer(0, BATCH.getFeatures());
            assertThat(log.list).isEmpty();
            assertThatThrownBy(listener::latest)
                .hasMessageContaining("before fit")
                .hasMessageContaining("pretrain")
                .hasMessageContaining("TransferLearningHelper")
                .hasMessageContaining("ParallelWrapper");
            net.fit(BATCH);
            assertThat(listener.latest().iteration()).isZero();
          }
        });
  }

  @Test
  void whereNoIterationWasDueThatIsSaid() {
    MultiLayerNetwork net = dense();
    net.getLayerWiseConfigurations().setIterationCount(1);
    try (BackPackListener listener = new BackPackListener(new BatchGrad()).everyNIterations(7)) {
      net.setListeners(listener);
      trained(net, 3);
      assertThatThrownBy(listener::latest)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("multiple of 7")
          .hasMessageNotContaining("before fit");
    }
  }

  @Test
  void aFrozenParameterIsSaidToBe() {
    MultiLayerNetwork net =
        network(
            new FrozenLayer(new DenseLayer.Builder().nOut(5).build()),
            new DenseLayer.Builder().nOut(4).build());
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      net.setListeners(listener);
      trained(net, 1);
      assertThatThrownBy(() -> listener.get("0_W", BatchGrad.class))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("0_W")
          .hasMessageContaining("frozen");
      assertThatThrownBy(() -> listener.latest().quantities().gradient("0_b"))
          .hasMessageContaining("frozen");
      listener.parameters("1_b");
      trained(net, 1);
      assertThatThrownBy(() -> listener.get("1_W", BatchGrad.class))
          .hasMessageContaining("parameters(…)");
      assertThatThrownBy(
              () -> new BackPackListener(new BatchGrad()).parameters("0_W").check(net, BATCH))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("frozen");
    }
    assertThat(net.params().dataType()).isEqualTo(DataType.DOUBLE);
  }
}
