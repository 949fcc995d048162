package org.backpack4j.samediff.internal.execution.kernel;

import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.execution.run.Call;

/**
 * A call that does the same for one plane of images after the other, on all threads.
 *
 * @param <W> what a thread has of its own to work with
 */
abstract class PerPlaneKernel<W> implements Call {
  private final long planes;
  private final long numbers;
  private final List<W> workers;

  /**
   * @param planes how many there are
   * @param numbers how many numbers each means to go through
   * @param worker makes what a thread works with
   */
  PerPlaneKernel(long planes, long numbers, Supplier<W> worker) {
    this.planes = planes;
    this.numbers = numbers;
    this.workers = Stream.generate(worker).limit(Parallel.THREADS).toList();
  }

  /** Does the work for one plane. */
  abstract void work(W worker, long plane);

  @Override
  public final void run() {
    Parallel.run(
        planes,
        Parallel.grain(numbers),
        (number, first, end) -> {
          W worker = workers.get(number);
          for (long plane = first; plane < end; plane++) {
            work(worker, plane);
          }
        });
  }
}
