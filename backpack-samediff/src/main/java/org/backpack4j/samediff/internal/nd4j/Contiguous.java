package org.backpack4j.samediff.internal.nd4j;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/**
 * Arrays laid out row by row.
 *
 * <p>In ND4J 1.0.0-M2.1 several ops answer wrongly, or not at all, where an input is in 'f' order
 * or strided (without a session's array cache too: {@code expand_dims}, {@code one_hot}).
 */
public final class Contiguous {
  private Contiguous() {}

  /** The array itself if it is contiguous and in 'c' order, else a copy that is. */
  public static INDArray of(INDArray array) {
    return isContiguous(array) ? array : array.dup('c');
  }

  private static boolean isContiguous(INDArray array) {
    return array.isEmpty()
        || array.dataType() == DataType.UTF8
        || (array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array));
  }
}
