package org.backpack4j.dl4j;

/** Which statistics batch normalisation uses in a converted graph. */
public enum BatchStatistics {
  /**
   * Those of the batch, as in training. Samples influence each other: {@code grad_batch} follows
   * BackPACK's convention (rows of the true, coupled gradient), second-order quantities are
   * refused.
   */
  BATCH,
  /** The running ones, as in evaluation. Samples are apart. */
  RUNNING
}
