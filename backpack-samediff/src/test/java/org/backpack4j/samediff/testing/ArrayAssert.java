package org.backpack4j.samediff.testing;

import static org.assertj.core.api.Assertions.assertThat;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Compares arrays: the same shape, and the same numbers up to rounding in double precision. */
public final class ArrayAssert {
  private ArrayAssert() {}

  public static void assertClose(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(difference(actual, expected)).isLessThan(1e-12);
  }

  /** The relative difference of two arrays of one shape, in the Euclidean norm. */
  public static double difference(INDArray actual, INDArray expected) {
    double[] a = flat(actual);
    double[] b = flat(expected);
    double off = 0;
    double size = 0;
    for (int i = 0; i < a.length; i++) {
      // Equal infinities, and NaN where NaN is expected, are no difference.
      if (Double.compare(a[i], b[i]) != 0) {
        off += (a[i] - b[i]) * (a[i] - b[i]);
      }
      size += b[i] * b[i];
    }
    return Math.sqrt(off) / Math.max(1e-30, Math.sqrt(size));
  }

  private static double[] flat(INDArray array) {
    return array
        .castTo(DataType.DOUBLE)
        .dup('c')
        .reshape(new long[] {array.length()})
        .toDoubleVector();
  }
}
