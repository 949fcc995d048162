package org.backpack4j.samediff.dataset;

import java.io.IOException;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Takes quantities that have a part for each sample, batch by batch, in the order of the samples.
 * {@link NpyFiles} writes them to disk.
 */
@FunctionalInterface
public interface RowSink {
  /**
   * The rows of a batch.
   *
   * @param name the quantity, {@code <parameter>.<field>}
   * @param first the place of the first row's sample in the data set
   * @param rows [n, …], one row for each sample; closed when the call is over
   * @throws IOException if they cannot be kept
   */
  void rows(String name, long first, INDArray rows) throws IOException;

  /**
   * Everything before a sample is to be kept for good: a checkpoint is about to be written.
   *
   * @param samples the number of samples that have been handed over
   * @throws IOException if they cannot be kept
   */
  default void flush(long samples) throws IOException {}

  /**
   * Work goes on where a checkpoint was written. Rows that came behind it come again.
   *
   * @param samples the number of samples that the checkpoint has
   * @throws IOException if the rows before are not there any more
   */
  default void resume(long samples) throws IOException {}
}
