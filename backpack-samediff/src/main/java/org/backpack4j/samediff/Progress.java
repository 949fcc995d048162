package org.backpack4j.samediff;

import java.util.concurrent.CancellationException;

/**
 * Is told how far long work is. The work stops, and leaves everything as it was, where its thread
 * is interrupted, or where this throws something: that is how a button stops it.
 *
 * <pre>{@code
 * BackPack.on(model).progress((work, done, total) -> System.err.printf("%s: %d of %d%n", work, done, total))
 * }</pre>
 */
@FunctionalInterface
public interface Progress {

  /** Tells nobody. */
  Progress NONE = (work, done, total) -> {};

  /**
   * Hears of a step. Called on the thread that works.
   *
   * @param work what is being done
   * @param done how many steps are done
   * @param total how many there are in all
   */
  void report(String work, int done, int total);

  /**
   * Reports a step, unless the work is to stop.
   *
   * @param work what is being done
   * @param done how many steps are done
   * @param total how many there are in all
   * @throws CancellationException if the thread is interrupted, which it then still is
   */
  default void step(String work, int done, int total) {
    check(work + ", " + done + " of " + total + " done");
    report(work, done, total);
  }

  /**
   * Stops where the thread is interrupted.
   *
   * @param work what is being done
   * @throws CancellationException if the thread is interrupted, which it then still is
   */
  static void check(String work) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("Interrupted: " + work + ". Nothing has been changed.");
    }
  }
}
