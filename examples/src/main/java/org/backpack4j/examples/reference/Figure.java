package org.backpack4j.examples.reference;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What is known of one quantity of one parameter. */
public interface Figure {

  /** How many arrays the quantity has: one, or as many as it has factors. */
  default int arrays() {
    return 1;
  }

  /**
   * Compares what was computed with what is known.
   *
   * @param computed the quantity's arrays
   */
  Difference compare(List<INDArray> computed);
}
