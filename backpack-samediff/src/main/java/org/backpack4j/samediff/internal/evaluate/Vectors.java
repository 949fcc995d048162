package org.backpack4j.samediff.internal.evaluate;

import java.util.Arrays;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Rows [V, D]: checks, and parts of them. */
public final class Vectors {
  private Vectors() {}

  /** The vectors of type DOUBLE in 'c' order, checked; they may be the same array. */
  public static INDArray checked(ParameterLayout layout, INDArray vectors) {
    if (vectors.rank() != 2 || vectors.size(1) != layout.size()) {
      throw new IllegalArgumentException(
          "Vectors are rows [V, "
              + layout.size()
              + "], of the parameters "
              + layout
              + "; given is "
              + Arrays.toString(vectors.shape())
              + ".");
    }
    INDArray rows = vectors.castTo(DataType.DOUBLE);
    INDArray plain = rows.ordering() == 'c' && !rows.isView() ? rows : rows.dup('c');
    if (!allFinite(plain)) {
      layout
          .split(plain)
          .forEach((name, part) -> refuseInfinite("the vectors' part for \"" + name + "\"", part));
    }
    return plain;
  }

  /** Refuses NaN and infinities. */
  public static void refuseInfinite(String what, INDArray array) {
    if (allFinite(array)) {
      return;
    }
    INDArray flat = array.castTo(DataType.DOUBLE).dup('c').reshape(array.length());
    for (long k = 0; k < flat.length(); k++) {
      if (!Double.isFinite(flat.getDouble(k))) {
        throw new IllegalArgumentException(
            "Entry " + k + " of " + what + " is " + flat.getDouble(k) + ", no finite number.");
      }
    }
  }

  /** By the sum, which is not finite if an entry is not; it may also overflow. */
  private static boolean allFinite(INDArray array) {
    return array.length() == 0 || Double.isFinite(array.sumNumber().doubleValue());
  }

  /** Some of the rows, as a view. */
  public static INDArray rows(INDArray matrix, long from, long to) {
    return matrix.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }
}
