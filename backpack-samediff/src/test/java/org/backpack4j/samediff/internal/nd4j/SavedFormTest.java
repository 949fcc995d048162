package org.backpack4j.samediff.internal.nd4j;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.OpCases;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.slf4j.LoggerFactory;

class SavedFormTest {
  /** M2.1 warns when it reads properties that it wrote itself. */
  @Test
  void tryingAnOpWritesNothingIntoTheLog() {
    Logger logger = (Logger) LoggerFactory.getLogger(DifferentialFunction.class);
    ListAppender<ILoggingEvent> appender = new ListAppender<>();
    appender.start();
    logger.addAppender(appender);
    try {
      for (OpCase op : OpCases.all()) {
        SameDiff graph = op.graph();
        OpNames.keepApartFromVariables(graph);
        for (SameDiffOp node : graph.getOps().values()) {
          boolean survives = SavedForm.survives(SavedForm.alone(graph, node, node.getOp()), node);
          assertThat(SavedForm.isExact(graph, node, node.getOp()))
              .as(op.name())
              .isEqualTo(survives);
        }
      }
    } finally {
      logger.detachAppender(appender);
    }
    assertThat(appender.list).extracting(ILoggingEvent::getFormattedMessage).isEmpty();
  }

  /** What was found out about an op holds for ops with other arguments only if it was tried. */
  @Test
  void opsThatDifferInArgumentsAreToldApart() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.var("x", OpCase.random(3, 4));
    graph.variance("corrected", x, true, 1);
    graph.variance("biased", x, false, 1);
    graph.nn().logSoftmax("plain", x);
    graph.nn().logSoftmax("axis", x, 0);

    for (int k = 0; k < 2; k++) {
      assertThat(List.of("corrected", "biased", "plain", "axis"))
          .extracting(name -> exact(graph, name))
          .containsExactly(true, false, true, false);
    }
  }

  private static boolean exact(SameDiff graph, String output) {
    SameDiffOp node = graph.getOps().get(graph.getVariables().get(output).getOutputOfOp());
    return SavedForm.isExact(graph, node, node.getOp());
  }
}
