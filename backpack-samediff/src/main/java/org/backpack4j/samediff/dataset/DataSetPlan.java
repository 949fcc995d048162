package org.backpack4j.samediff.dataset;

import java.util.Locale;
import org.backpack4j.samediff.MemoryUse;

/**
 * What gathering over a data set will take, from its first batches.
 *
 * @param passes how many times it goes over the data
 * @param batch the memory of the largest batch seen: its results, and what it is worked in, under
 *     the graph's memory budget
 * @param sums the bytes of the sums in double precision, which stay the same over time
 * @param measured the number of samples that were measured
 * @param seconds the time of all samples, if they take as long as those measured, reading included;
 *     the batch for which plans were made is not counted where there are others
 */
public record DataSetPlan(int passes, MemoryUse batch, long sums, long measured, double seconds) {
  /**
   * All memory.
   *
   * @return the bytes
   */
  public long bytes() {
    return Math.addExact(batch.total(), sums);
  }

  /**
   * Whether there is room.
   *
   * @param budget the bytes that there are
   * @return true if {@link #bytes} are not more
   */
  public boolean fits(long budget) {
    return bytes() <= budget;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%d pass over the data, %.0f s; %s for a batch, %s of sums",
        passes,
        seconds,
        batch,
        MemoryUse.readable(sums));
  }
}
