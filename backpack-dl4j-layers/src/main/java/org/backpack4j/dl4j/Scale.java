package org.backpack4j.dl4j;

/** In which scale a converted network's loss is, and with it every quantity. */
public enum Scale {
  /**
   * The sum of the samples' losses, as in DL4J's {@code gradient()}: {@code grad_batch[n]} is the
   * gradient of sample n alone.
   */
  SUM,
  /**
   * The mean of the samples' losses, as in DL4J's score and in BackPACK's examples: {@code
   * grad_batch[n]} is 1/N times the gradient of sample n alone.
   */
  MEAN
}
