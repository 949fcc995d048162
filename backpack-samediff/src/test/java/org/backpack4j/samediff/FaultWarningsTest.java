package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.internal.extend.Extender;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Sgd;
import org.slf4j.LoggerFactory;

/**
 * Whoever is harmed by what M2.1 computes wrongly is warned once; nobody else is, and everybody can
 * ask. Names are each test's own, since a program is told once of the same thing.
 */
class FaultWarningsTest {
  private final Logger logger = (Logger) LoggerFactory.getLogger(Extender.class);
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  @BeforeEach
  void listen() {
    log.start();
    logger.addAppender(log);
  }

  @AfterEach
  void stopListening() {
    logger.detachAppender(log);
  }

  /** A loss that is scaled: SameDiff's gradient forgets that, and only that. */
  private static SameDiff scaledLoss(String name) {
    SameDiff sd = Graphs.perceptron();
    sd.getVariable("loss").rename(name);
    sd.getVariable(name).mul(name + " halved", 0.5);
    sd.setLossVariables(name + " halved");
    return sd;
  }

  private static void train(SameDiff sd) {
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd(0.1))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
  }

  private static List<String> faultsOf(SameDiff sd) {
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      return graph.faults();
    }
  }

  private List<String> warnings() {
    return log.list.stream()
        .filter(e -> e.getLevel().isGreaterOrEqual(Level.WARN))
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  @Test
  void aWrongGradientIsAWarningOnceWhereSameDiffTrains() {
    SameDiff sd = scaledLoss("trained");
    train(sd);
    for (int k = 0; k < 3; k++) {
      assertThat(faultsOf(sd))
          .singleElement()
          .asString()
          .startsWith("\"trained\"")
          .contains("SameDiff's gradient ignores that");
    }
    assertThat(warnings())
        .singleElement()
        .asString()
        .contains("\"trained\"")
        .contains("SameDiff's gradient ignores that");
  }

  @Test
  void aWrongGradientIsAWarningWhereSameDiffHasDifferentiated() {
    SameDiff sd = scaledLoss("differentiated");
    sd.createGradFunction();
    faultsOf(sd);
    assertThat(warnings()).singleElement().asString().contains("\"differentiated\"");
  }

  @Test
  void aWrongGradientThatNobodyAsksForIsNoWarning() {
    assertThat(faultsOf(scaledLoss("extended"))).hasSize(1);
    assertThat(warnings()).isEmpty();
  }

  /** Parameters in 'f' order spoil outputs, too. */
  @Test
  void aWrongOutputIsAWarningOnceEvenIfNobodyTrains() {
    for (int k = 0; k < 3; k++) {
      SameDiff sd = Graphs.perceptron();
      SDVariable w = sd.getVariable("w");
      w.setArray(w.getArr().dup('f'));
      w.rename("w in f");
      assertThat(faultsOf(sd)).singleElement().asString().startsWith("\"w in f\"");
    }
    assertThat(warnings()).singleElement().asString().contains("\"w in f\"");
  }

  @Test
  void twoGraphsAreTwoWarnings() {
    for (String name : List.of("one", "other")) {
      SameDiff sd = scaledLoss(name);
      train(sd);
      faultsOf(sd);
    }
    assertThat(warnings()).hasSize(2);
  }

  @Test
  void aGraphWithoutFaultsHasNone() {
    SameDiff sd = Graphs.perceptron();
    train(sd);
    assertThat(faultsOf(sd)).isEmpty();
    assertThat(warnings()).isEmpty();
  }

  /** What is known of coupled samples is said once, too. */
  @Test
  void coupledSamplesAreAWarningOnce() {
    for (int k = 0; k < 2; k++) {
      SameDiff sd = SameDiff.create();
      SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
      SDVariable z = x.mmul(sd.var("w", Graphs.random(3, 2)));
      SDVariable centred = z.sub("centred", z.mean("mean of a batch", true, 0));
      sd.math().square(centred).sum("coupled");
      sd.setLossVariables("coupled");
      try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
        assertThat(graph.output(Map.of("x", Graphs.random(4, 3)), "w.grad_batch")).hasSize(1);
      }
    }
    assertThat(warnings()).singleElement().asString().contains("mean of a batch");
  }
}
