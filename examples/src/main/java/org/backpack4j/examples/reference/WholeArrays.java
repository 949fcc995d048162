package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Every entry is known.
 *
 * @param known the known arrays
 */
record WholeArrays(List<INDArray> known) implements Figure {

  @Override
  public int arrays() {
    return known.size();
  }

  @Override
  public Difference compare(List<INDArray> computed) {
    if (computed.size() != known.size()) {
      return Difference.ENDLESS;
    }
    Difference worst = Difference.NONE;
    for (int i = 0; i < known.size(); i++) {
      worst = worst.worse(compare(known.get(i), computed.get(i)));
    }
    return worst;
  }

  private static Difference compare(INDArray known, INDArray computed) {
    if (!Arrays.equals(known.shape(), computed.shape())) {
      return Difference.ENDLESS;
    }
    double[] expected = Flat.of(known);
    double[] actual = Flat.of(computed);
    double difference = 0;
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      difference = Math.max(difference, Math.abs(expected[i] - actual[i]));
      largest = Math.max(largest, Math.abs(expected[i]));
    }
    return Difference.of(difference, largest);
  }
}
