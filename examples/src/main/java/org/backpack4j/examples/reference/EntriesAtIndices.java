package org.backpack4j.examples.reference;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Some entries are known, and the largest of all; with the sum of all, if that is known too.
 *
 * @param rows the known entries: of the whole array, or of each sample
 * @param indices where they are, in the flattened array or sample
 * @param largest the largest absolute entry of the whole array
 * @param sum the sum of the whole array, or NaN
 */
record EntriesAtIndices(double[][] rows, int[] indices, double largest, double sum)
    implements Figure {

  @Override
  public Difference compare(List<INDArray> computed) {
    double[] entries = Flat.of(computed.get(0));
    if (entries.length % rows.length != 0) {
      return Difference.ENDLESS;
    }
    int stride = entries.length / rows.length;
    double difference = 0;
    for (int row = 0; row < rows.length; row++) {
      for (int i = 0; i < indices.length; i++) {
        double entry = entries[row * stride + indices[i]];
        difference = Math.max(difference, Math.abs(entry - rows[row][i]));
      }
    }
    Difference worst = Difference.of(difference, largest);
    if (!Double.isNaN(sum)) {
      double total = 0;
      for (double entry : entries) {
        total += entry;
      }
      worst = worst.worse(Difference.of(Math.abs(total - sum), Math.abs(sum)));
    }
    return worst;
  }
}
