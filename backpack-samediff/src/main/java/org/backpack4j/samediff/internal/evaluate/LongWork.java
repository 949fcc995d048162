package org.backpack4j.samediff.internal.evaluate;

import java.util.Locale;
import java.util.function.LongSupplier;
import org.slf4j.Logger;

/**
 * Says in the log, at INFO, what a call is doing that takes longer than a person expects, such as
 * the first step of a training, for which graphs are made. Short work says nothing.
 */
public final class LongWork {
  /** From so many seconds on a person wonders. */
  private static final double EXPECTED = 3;

  private final Logger log;
  private final String work;
  private final LongSupplier nanos;
  private final long begun;
  private final StringBuilder steps = new StringBuilder();
  private String step = "";
  private long stepBegun;

  /**
   * Work that begins now.
   *
   * @param log where to say it
   * @param work what is being done, as the beginning of a sentence
   */
  public LongWork(Logger log, String work) {
    this(log, work, System::nanoTime);
  }

  LongWork(Logger log, String work, LongSupplier nanos) {
    this.log = log;
    this.work = work;
    this.nanos = nanos;
    this.begun = nanos.getAsLong();
    this.stepBegun = begun;
  }

  /**
   * A step begins, and the one before it is done.
   *
   * @param name the step
   */
  public void step(String name) {
    endStep();
    step = name;
    double seconds = secondsSince(begun);
    if (seconds > EXPECTED) {
      log.info("{} has taken {} s so far; now: {}.", work, text(seconds), name);
    }
  }

  /** The work is done. */
  public void done() {
    endStep();
    double seconds = secondsSince(begun);
    if (seconds > EXPECTED) {
      log.info("{} took {} s{}.", work, text(seconds), steps.isEmpty() ? "" : " (" + steps + ")");
    }
  }

  private void endStep() {
    if (!step.isEmpty()) {
      steps.append(steps.isEmpty() ? "" : ", ").append(step).append(' ');
      steps.append(text(secondsSince(stepBegun))).append(" s");
    }
    stepBegun = nanos.getAsLong();
  }

  private double secondsSince(long then) {
    return (nanos.getAsLong() - then) / 1e9;
  }

  private static String text(double seconds) {
    return String.format(Locale.ROOT, "%.1f", seconds);
  }
}
