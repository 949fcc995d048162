package org.backpack4j.samediff.internal.ir;

import org.nd4j.linalg.api.buffer.DataType;

/**
 * The types in which quantities are computed. Half precision counts no further than 2,048 (and
 * {@code BFLOAT16} than 256), ends at 65,504, and knows no squares of what is below 2⁻¹²; so
 * everything that is inserted into a graph works in single precision at least, and only results are
 * rounded to their parameter's type.
 */
public final class Precision {
  /**
   * The type in which values are added up whose terms may cancel: a product of two numbers of
   * single precision is exact there.
   */
  public static final DataType CANCELLING = DataType.DOUBLE;

  private Precision() {}

  /**
   * The type in which values of a type are worked with.
   *
   * @param type any data type
   * @return single precision for the half precisions, else the type itself
   */
  public static DataType working(DataType type) {
    return type == DataType.FLOAT16 || type == DataType.BFLOAT16 ? DataType.FLOAT : type;
  }
}
