package org.backpack4j.examples.data;

import java.io.IOException;
import java.util.Optional;
import org.deeplearning4j.datasets.iterator.impl.MnistDataSetIterator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** MNIST (LeCun), which DL4J downloads where it can be reached. */
public final class Mnist {

  private static final Logger LOG = LoggerFactory.getLogger(Mnist.class);

  private Mnist() {}

  /**
   * The first test images, or nothing if they cannot be had.
   *
   * @param count how many
   */
  public static Optional<LabelledImages> load(int count) {
    try {
      DataSet batch = new MnistDataSetIterator(count, false, 0).next();
      int size = LabelledImages.SIZE;
      return Optional.of(
          new LabelledImages(
              batch.getFeatures().castTo(DataType.FLOAT).reshape('c', count, 1, size, size),
              batch.getLabels().castTo(DataType.FLOAT)));
    } catch (IOException | RuntimeException e) {
      LOG.warn("MNIST cannot be reached: {}", e.toString());
      return Optional.empty();
    }
  }
}
