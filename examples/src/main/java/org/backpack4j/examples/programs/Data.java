package org.backpack4j.examples.programs;

import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Numbers of a batch, from a generator of its own. */
final class Data {
  private final Random random = new Random(1);

  /** Numbers in [−1, 1). */
  INDArray values(long... shape) {
    INDArray array = Nd4j.create(DataType.FLOAT, shape);
    for (long k = 0; k < array.length(); k++) {
      array.putScalar(k, random.nextFloat() * 2 - 1);
    }
    return array;
  }

  /** Whole numbers from zero on. */
  INDArray ids(int upTo, long... shape) {
    INDArray array = Nd4j.create(DataType.FLOAT, shape);
    for (long k = 0; k < array.length(); k++) {
      array.putScalar(k, random.nextInt(upTo));
    }
    return array;
  }

  /** A class for each sample, as one-hot rows [N, classes]. */
  INDArray classes(int samples, int classes) {
    INDArray array = Nd4j.create(DataType.FLOAT, samples, classes);
    for (int n = 0; n < samples; n++) {
      array.putScalar(n, random.nextInt(classes), 1);
    }
    return array;
  }

  /** A class for each step of each sample, one-hot [N, classes, T]. */
  INDArray series(int samples, int classes, int steps) {
    INDArray array = Nd4j.create(DataType.FLOAT, samples, classes, steps);
    for (int n = 0; n < samples; n++) {
      for (int t = 0; t < steps; t++) {
        array.putScalar(new int[] {n, random.nextInt(classes), t}, 1);
      }
    }
    return array;
  }

  /**
   * An object in each image: corners and class [N, 4 + classes, height, width] of YOLO's labels.
   */
  INDArray boxes(int samples, int classes, int size) {
    INDArray array = Nd4j.create(DataType.FLOAT, samples, 4 + classes, size, size);
    for (int n = 0; n < samples; n++) {
      int row = 1 + random.nextInt(size - 2);
      int column = 1 + random.nextInt(size - 2);
      float[] corners = {column - 0.4f, row - 0.6f, column + 1.3f, row + 1.2f};
      for (int k = 0; k < corners.length; k++) {
        array.putScalar(new int[] {n, k, row, column}, corners[k]);
      }
      array.putScalar(new int[] {n, 4 + random.nextInt(classes), row, column}, 1);
    }
    return array;
  }
}
