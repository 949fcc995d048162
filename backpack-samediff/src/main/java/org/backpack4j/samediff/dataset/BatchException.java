package org.backpack4j.samediff.dataset;

import org.jspecify.annotations.Nullable;

/** Thrown for a batch of a data set that cannot be used. What came before stays as it is. */
public final class BatchException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** The batch's place in the data set. */
  private final long batch;

  /** The sample's place in the data set; −1 if it is not known. */
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
    super(message, cause);
    this.batch = batch;
    this.sample = sample;
  }

  /**
   * The batch.
   *
   * @return its place in the data set, from 0
   */
  public long batch() {
    return batch;
  }

  /**
   * The sample.
   *
   * @return its place in the data set, from 0; −1 if it is not known
   */
  public long sample() {
    return sample;
  }
}
