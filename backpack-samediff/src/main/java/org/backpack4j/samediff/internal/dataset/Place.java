package org.backpack4j.samediff.internal.dataset;

import org.backpack4j.samediff.dataset.BatchException;
import org.jspecify.annotations.Nullable;

/**
 * Where a batch stands, for whoever is told that something is wrong with it.
 *
 * @param partition the partition of a distributed data set; −1 if it is in one piece
 * @param batch the batch's number, in the partition if there are any
 * @param first the number of its first sample, in the partition if there are any
 */
record Place(int partition, long batch, long first) {
  /** What the batch is called, at the beginning of a sentence. */
  String title() {
    return partition < 0
        ? "Batch %d (its first sample is %d of the data set)".formatted(batch, first)
        : "Record %d of partition %d (its first sample is %d of the partition)"
            .formatted(batch, partition, first);
  }

  /** What a sample of the batch is called. */
  String sample(long number) {
    return partition < 0
        ? "number %d of the batch (%d of the data set)".formatted(number, first + number)
        : "number %d of the record".formatted(number);
  }

  /**
   * An exception that tells of the batch.
   *
   * @param problem what is wrong, behind the batch's name
   * @param sample the sample's number in the batch; −1 if it is not known
   */
  BatchException exception(String problem, long sample, @Nullable Throwable cause) {
    return new BatchException(
        title() + problem, partition, batch, sample < 0 ? -1 : first + sample, cause);
  }
}
