package org.backpack4j.dl4j.influence;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The classes that labels say. */
final class Labels {
  private Labels() {}

  /**
   * The classes of a batch's samples.
   *
   * @param labels the labels of all outputs, of which the first counts
   * @return for each sample the number of the largest entry of [N, C]; of [N, 1] or [N] whole
   *     numbers, these; −1 for labels of another kind
   */
  static int[] classes(INDArray[] labels) {
    INDArray first = labels[0];
    int count = (int) first.size(0);
    int[] classes = new int[count];
    Arrays.fill(classes, -1);
    if (first.rank() == 2 && first.size(1) > 1) {
      for (int n = 0; n < count; n++) {
        classes[n] = largest(first, n);
      }
    } else if (first.rank() == 1 || (first.rank() == 2 && first.size(1) == 1)) {
      for (int n = 0; n < count; n++) {
        double value = first.rank() == 1 ? first.getDouble(n) : first.getDouble(n, 0);
        classes[n] = value >= 0 && value == Math.rint(value) ? (int) value : -1;
      }
    }
    return classes;
  }

  /** The place of the largest entry of a row that is one-hot, or smoothed; −1 of any other. */
  private static int largest(INDArray labels, int n) {
    int best = 0;
    double sum = 0;
    for (int c = 0; c < labels.size(1); c++) {
      double value = labels.getDouble(n, c);
      if (value < 0 || !Double.isFinite(value)) {
        return -1;
      }
      sum += value;
      best = value > labels.getDouble(n, best) ? c : best;
    }
    return Math.abs(sum - 1) < 1e-3 ? best : -1;
  }
}
