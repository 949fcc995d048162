package org.backpack4j.samediff.testing;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** One array in the layouts that ND4J can keep it in. */
public final class Layouts {
  private Layouts() {}

  /** The same numbers in 'c' order, in 'f' order, transposed, and as a part of a larger array. */
  public static List<INDArray> of(INDArray array) {
    List<INDArray> layouts = new ArrayList<>();
    layouts.add(array.dup('c'));
    layouts.add(array.dup('f'));
    if (array.rank() > 0) {
      int[] reversed = new int[array.rank()];
      for (int i = 0; i < reversed.length; i++) {
        reversed[i] = reversed.length - 1 - i;
      }
      layouts.add(array.permute(reversed).dup('c').permute(reversed));
      layouts.add(strided(array));
    }
    return layouts;
  }

  private static INDArray strided(INDArray array) {
    long[] larger = array.shape().clone();
    INDArrayIndex[] middle = new INDArrayIndex[larger.length];
    for (int i = 0; i < larger.length; i++) {
      middle[i] = NDArrayIndex.interval(1, larger[i] + 1);
      larger[i] += 2;
    }
    return Nd4j.create(array.dataType(), larger).get(middle).assign(array);
  }
}
