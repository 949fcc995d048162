package org.backpack4j.samediff.internal.execution.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.nd4j.linalg.factory.Nd4j;

/** Runs a kernel on as many threads as the native ops have. */
final class Parallel {
  /** As {@code OMP_NUM_THREADS} says. */
  static final int THREADS = Math.max(1, Nd4j.getEnvironment().maxThreads());

  /** Numbers that take longer to work through than it takes to wake a thread. */
  private static final long WORTHWHILE = 1L << 15;

  /** As many grains take some times as long as OpenMP takes to make its threads anew. */
  private static final long LARGE = 24;

  private static final AtomicInteger NUMBER = new AtomicInteger();

  /** Threads that wait without turning, and end with the program. */
  private static final ExecutorService HELPERS =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "backpack-kernel-" + NUMBER.incrementAndGet());
            thread.setDaemon(true);
            return thread;
          });

  private Parallel() {}

  /** Part of the work. */
  interface Part {
    /**
     * Does the work of some indices.
     *
     * @param worker which of {@link #THREADS} workers this is; no two threads are the same one
     */
    void run(int worker, long from, long to);
  }

  /** How many indices are worth handing out at once, when each means so many numbers. */
  static long grain(long numbers) {
    return Math.max(1, WORTHWHILE / Math.max(1, numbers));
  }

  /**
   * Runs work for the indices from 0 to {@code count}, {@code grain} of them at a time. The calling
   * thread works as well, and waits for nobody who has not begun.
   */
  static void run(long count, long grain, Part part) {
    run(THREADS, count, grain, part);
  }

  /** The same with another number of threads at most. */
  static void run(int threads, long count, long grain, Part part) {
    int workers = (int) Math.min(threads, (count + grain - 1) / grain);
    if (workers <= 1) {
      part.run(0, 0, count);
      return;
    }
    if (count / grain >= LARGE) {
      OpenMp.release(); // else its threads take the cores from ours
    }
    AtomicLong next = new AtomicLong();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Helper> helpers = new ArrayList<>();
    for (int worker = 1; worker < workers; worker++) {
      int number = worker;
      Helper helper = new Helper(() -> work(number, count, grain, part, next, failure));
      helpers.add(helper);
      HELPERS.execute(helper);
    }
    work(0, count, grain, part, next, failure);
    helpers.forEach(Helper::finish);
    if (failure.get() != null) {
      throw new IllegalStateException(failure.get());
    }
  }

  private static void work(
      int worker,
      long count,
      long grain,
      Part part,
      AtomicLong next,
      AtomicReference<Throwable> failure) {
    try {
      for (long from = next.getAndAdd(grain); from < count; from = next.getAndAdd(grain)) {
        part.run(worker, from, Math.min(count, from + grain));
      }
    } catch (RuntimeException | Error e) {
      failure.set(e);
      next.set(count);
    }
  }

  /** Work that runs once, unless it is finished before it has begun. */
  private static final class Helper implements Runnable {
    private final Runnable work;
    private final AtomicBoolean begun = new AtomicBoolean();
    private final CountDownLatch done = new CountDownLatch(1);

    Helper(Runnable work) {
      this.work = work;
    }

    @Override
    public void run() {
      if (begun.compareAndSet(false, true)) {
        work.run();
        done.countDown();
      }
    }

    /** Waits for the end, or keeps it from beginning. */
    void finish() {
      boolean interrupted = false;
      while (!begun.compareAndSet(false, true) && done.getCount() > 0) {
        try {
          done.await();
        } catch (InterruptedException e) {
          interrupted = true; // the memory it works in is ours: it has to end first
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
