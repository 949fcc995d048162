package org.backpack4j.samediff.internal.execution.run;

import org.nd4j.linalg.api.ndarray.INDArray;

/** One op of the graph on given arrays, prepared to be run again and again by one thread. */
public interface Call {
  /** Says which arrays to work on, in place of those before. */
  void bind(INDArray[] inputs, INDArray[] outputs);

  /** Runs the op on the bound arrays. */
  void run();
}
