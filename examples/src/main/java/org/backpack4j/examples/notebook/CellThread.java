package org.backpack4j.examples.notebook;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs one cell at a time on a thread of its own, which can be interrupted: the cell's own code
 * then stops at its next loop or method ({@link Interruption}), and code that waits stops waiting.
 * Code of a library that answers neither is stopped by a second request, where the Java version
 * still has {@code Thread.stop}.
 */
final class CellThread {

  private static final long PATIENCE_MS = 3000;
  private static final long STEP_MS = 100;

  private final Consumer<Runnable> whenSafe;
  private @Nullable Thread running;
  private int requests;
  private long firstRequest;

  /**
   * Threads for cells.
   *
   * @param whenSafe runs an interrupt when the thread is at a place where it may be interrupted
   */
  CellThread(Consumer<Runnable> whenSafe) {
    this.whenSafe = whenSafe;
  }

  /** Runs something, and waits for it. What it throws is thrown; an error in an exception. */
  <T> @Nullable T run(Supplier<@Nullable T> work, ClassLoader loader) {
    Outcome<T> outcome = new Outcome<>(work);
    Thread thread = new Thread(outcome, "cell");
    thread.setDaemon(true);
    thread.setContextClassLoader(loader);
    synchronized (this) {
      requests = 0;
      Interruption.clear();
      running = thread;
      thread.start();
    }
    await(thread);
    synchronized (this) {
      running = null;
      Interruption.clear();
    }
    return outcome.get();
  }

  /** Interrupts what is running, if anything is. */
  synchronized void interrupt() {
    Thread thread = running;
    if (thread == null) {
      return;
    }
    requests++;
    if (requests == 1) {
      firstRequest = System.nanoTime();
      Interruption.request();
      whenSafe.accept(thread::interrupt);
    } else {
      whenSafe.accept(() -> stop(thread));
    }
  }

  /** The one way to end a thread that does not want to. Gone in later versions of Java. */
  @SuppressWarnings({"deprecation", "removal"})
  private static void stop(Thread thread) {
    try {
      thread.stop();
    } catch (UnsupportedOperationException e) {
      System.err.println(
          "Java " + Runtime.version().feature() + " cannot stop it: restart the kernel.");
    }
  }

  private void await(Thread thread) {
    boolean told = false;
    while (thread.isAlive()) {
      try {
        thread.join(STEP_MS);
      } catch (InterruptedException e) {
        interrupt(); // nobody else interrupts the thread of the shell channel
      }
      if (!told && overdue()) {
        told = true;
        tell(thread);
      }
    }
  }

  private synchronized boolean overdue() {
    return requests > 0 && System.nanoTime() - firstRequest > PATIENCE_MS * 1_000_000;
  }

  private static void tell(Thread thread) {
    StackTraceElement[] stack = thread.getStackTrace();
    System.err.println(
        "The cell is still in "
            + (stack.length == 0 ? "native code" : stack[0])
            + ", which does not stop when asked. Interrupt once more to stop it by force; what it"
            + " was changing may then be half changed.");
  }

  private static final class Outcome<T> implements Runnable {
    private final Supplier<@Nullable T> work;
    private @Nullable T value;
    private @Nullable Throwable thrown;

    Outcome(Supplier<@Nullable T> work) {
      this.work = work;
    }

    @Override
    public void run() {
      try {
        value = work.get();
      } catch (RuntimeException | Error e) {
        thrown = e;
      }
    }

    @Nullable T get() {
      if (thrown instanceof ThreadDeath || thrown instanceof Interruption.InterruptedCell) {
        throw new InterruptedCellException();
      }
      if (thrown instanceof RuntimeException e) {
        throw e;
      }
      if (thrown != null) {
        throw new IllegalStateException(thrown.toString(), thrown);
      }
      return value;
    }
  }
}
