package org.backpack4j.dl4j.influence;

import java.util.Arrays;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** The classes that labels say. */
final class Labels {
  private Labels() {}

  /**
   * The classes of a batch's samples.
   *
   * @param batch a batch, of whose outputs the first counts
   * @return for each sample the number of the largest entry of its label in [N, C]; of [N, 1] or
   *     [N] whole numbers, these; −1 for labels of another kind, or without labels
   */
  static int[] classes(MultiDataSet batch) {
    int count = (int) batch.getFeatures(0).size(0);
    int[] classes = new int[count];
    Arrays.fill(classes, -1);
    INDArray[] labels = batch.getLabels();
    if (count == 0 || labels == null || labels.length == 0 || labels[0].size(0) != count) {
      return classes;
    }
    INDArray first = labels[0];
    if (first.rank() == 2 && first.size(1) > 1) {
      for (int n = 0; n < count; n++) {
        classes[n] = largest(first.getRow(n));
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
  private static int largest(INDArray row) {
    double sum = row.sumNumber().doubleValue();
    double least = row.minNumber().doubleValue();
    boolean distribution = least >= 0 && Math.abs(sum - 1) < 1e-3;
    return distribution ? row.argMax().getInt(0) : -1;
  }
}
