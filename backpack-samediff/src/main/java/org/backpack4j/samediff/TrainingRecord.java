package org.backpack4j.samediff;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the training listeners have in common: when to evaluate, the latest quantities, and what
 * becomes of a failure. An exception must not get into a training, whose next steps would differ:
 * it is logged once, and thrown to whoever asks for the quantities.
 */
public final class TrainingRecord {
  private static final Logger log = LoggerFactory.getLogger(TrainingRecord.class);

  private final List<Consumer<TrainingStep>> callbacks = new ArrayList<>();
  private int every = 1;
  private volatile @Nullable TrainingStep latest;
  private volatile @Nullable Throwable failure;
  private boolean logged;

  /** Nothing yet. */
  public TrainingRecord() {}

  /**
   * Chooses the iterations: those whose number is a multiple of n.
   *
   * @param n 1 for all
   * @throws IllegalArgumentException if it is less than 1
   */
  public void everyNIterations(int n) {
    if (n < 1) {
      throw new IllegalArgumentException(
          "Every " + n + "th iteration: the number must be positive.");
    }
    every = n;
  }

  /**
   * Adds a callback.
   *
   * @param callback is given the quantities of each iteration chosen
   */
  public void onStep(Consumer<TrainingStep> callback) {
    callbacks.add(callback);
  }

  /**
   * Whether an iteration is one of those chosen.
   *
   * @param iteration its number
   * @return whether to evaluate
   */
  public boolean isDue(int iteration) {
    return iteration % every == 0;
  }

  /**
   * Evaluates, and tells the callbacks. Throws nothing.
   *
   * @param evaluation the work; it may throw
   */
  public void attempt(Callable<@Nullable TrainingStep> evaluation) {
    try {
      TrainingStep step = evaluation.call();
      if (step == null) {
        return;
      }
      latest = step;
      failure = null;
      callbacks.forEach(c -> c.accept(step));
    } catch (Exception | OutOfMemoryError | LinkageError e) {
      failure = e;
      if (!logged) {
        logged = true;
        log.error(
            "The quantities could not be computed; training goes on without them. Asking for them"
                + " throws this exception. It is logged once.",
            e);
      }
    }
  }

  /**
   * The latest quantities.
   *
   * @return those of the latest iteration chosen
   * @throws IllegalStateException if there are none yet, or if computing them failed; the failure
   *     is its cause
   */
  public TrainingStep latest() {
    Throwable cause = failure;
    if (cause != null) {
      throw new IllegalStateException(
          "The quantities of the latest iteration could not be computed: " + cause.getMessage(),
          cause);
    }
    TrainingStep step = latest;
    if (step == null) {
      throw new IllegalStateException(
          "No iteration has been evaluated yet: add the listener before fit(…).");
    }
    return step;
  }
}
