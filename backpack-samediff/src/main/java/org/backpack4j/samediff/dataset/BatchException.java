package org.backpack4j.samediff.dataset;

import org.jspecify.annotations.Nullable;

/** Thrown for a batch of a data set that cannot be used. What came before stays as it is. */
public final class BatchException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** The partition; −1 if there are none. */
  private final int partition;

  /** The batch's place in the data set, or in its partition. */
  private final long batch;

  /** The sample's place in the data set, or in its partition; −1 if it is not known. */
  private final long sample;

  /**
   * An exception.
   *
   * @param message what is wrong, with the batch and, if it is known, the sample
   * @param batch the batch's place in the data set, from 0
   * @param sample the sample's place in the data set, from 0; −1 if it is not known
   * @param cause what came of it; null if nothing did
   */
  public BatchException(String message, long batch, long sample, @Nullable Throwable cause) {
    this(message, -1, batch, sample, cause);
  }

  /**
   * An exception of a batch that is a record of a partition.
   *
   * @param message what is wrong, with the record and, if it is known, the sample
   * @param partition the partition, from 0; −1 if there are none
   * @param batch the batch's place in the partition, from 0
   * @param sample the sample's place in the partition, from 0; −1 if it is not known
   * @param cause what came of it; null if nothing did
   */
  public BatchException(
      String message, int partition, long batch, long sample, @Nullable Throwable cause) {
    super(message, cause);
    this.partition = partition;
    this.batch = batch;
    this.sample = sample;
  }

  /**
   * The partition of a distributed data set.
   *
   * @return its number, from 0; −1 if the data set is in one piece
   */
  public int partition() {
    return partition;
  }

  /**
   * The batch.
   *
   * @return its place in the data set, from 0; in its partition if there is one
   */
  public long batch() {
    return batch;
  }

  /**
   * The sample.
   *
   * @return its place in the data set, from 0, or in its partition if there is one; −1 if it is not
   *     known
   */
  public long sample() {
    return sample;
  }
}
