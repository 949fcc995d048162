package org.backpack4j.examples.spark;

import org.apache.spark.api.java.function.Function;
import org.nd4j.linalg.dataset.DataSet;

/** Reads a batch where it is needed, so that no image goes over the network. */
final class ReadBatch implements Function<Integer, DataSet> {
  private static final long serialVersionUID = 1L;

  private final String folder;
  private final int size;
  private final int samples;

  /**
   * Batches of the first images.
   *
   * @param size how many images a batch has; the last may have fewer
   * @param samples how many images there are
   */
  ReadBatch(String folder, int size, int samples) {
    this.folder = folder;
    this.size = size;
    this.samples = samples;
  }

  int count() {
    return (samples + size - 1) / size;
  }

  @Override
  public DataSet call(Integer number) {
    int from = number * size;
    return TrainingImages.of(folder).batch(from, Math.min(samples, from + size));
  }
}
