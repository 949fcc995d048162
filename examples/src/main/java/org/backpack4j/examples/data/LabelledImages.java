package org.backpack4j.examples.data;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A batch of grey images in ten classes.
 *
 * @param images float [N, 1, 28, 28], from 0 to 1
 * @param labels one-hot float [N, 10]
 */
public record LabelledImages(INDArray images, INDArray labels) {

  /** How many classes there are. */
  public static final int CLASSES = 10;

  /** The height and width of an image. */
  public static final int SIZE = 28;

  /** One of the samples, as a batch of its own. */
  public LabelledImages sample(int n) {
    return new LabelledImages(row(images, n), row(labels, n));
  }

  private static INDArray row(INDArray array, int n) {
    long[] shape = array.shape().clone();
    shape[0] = 1;
    return array.slice(n).dup('c').reshape('c', shape);
  }
}
