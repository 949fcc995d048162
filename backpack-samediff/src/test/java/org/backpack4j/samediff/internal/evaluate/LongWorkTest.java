package org.backpack4j.samediff.internal.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class LongWorkTest {
  private long now;

  /** Copying, planning and inserting take so many seconds. */
  private List<ILoggingEvent> said(double copy, double plan, double insert) {
    Logger logger = (Logger) LoggerFactory.getLogger(LongWorkTest.class);
    Level before = logger.getLevel();
    logger.setLevel(Level.INFO);
    ListAppender<ILoggingEvent> appender = new ListAppender<>();
    appender.start();
    logger.addAppender(appender);
    try {
      LongWork work = new LongWork(logger, "Extending a graph", () -> now);
      work.step("copy");
      now += (long) (copy * 1e9);
      work.step("plan");
      now += (long) (plan * 1e9);
      work.step("insert");
      now += (long) (insert * 1e9);
      work.done();
    } finally {
      logger.detachAppender(appender);
      logger.setLevel(before);
    }
    return appender.list;
  }

  @Test
  void shortWorkSaysNothing() {
    assertThat(said(0.5, 1, 1)).isEmpty();
  }

  @Test
  void longWorkSaysWhatItIsDoingAndWhatTookTheTime() {
    assertThat(said(0.5, 4, 2))
        .allSatisfy(e -> assertThat(e.getLevel()).isEqualTo(Level.INFO))
        .extracting(ILoggingEvent::getFormattedMessage)
        .containsExactly(
            "Extending a graph has taken 4.5 s so far; now: insert.",
            "Extending a graph took 6.5 s (copy 0.5 s, plan 4.0 s, insert 2.0 s).");
  }
}
