package org.backpack4j.examples.reference;

import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The first entries of a vector are known.
 *
 * @param known these entries
 */
record FirstEntries(INDArray known) implements Figure {

  @Override
  public Difference compare(List<INDArray> computed) {
    INDArray all = computed.get(0);
    if (all.length() < known.length()) {
      return Difference.ENDLESS;
    }
    INDArray first = all.get(NDArrayIndex.interval(0, known.length()));
    return new WholeArrays(List.of(known)).compare(List.of(first));
  }
}
