package org.backpack4j.examples.tutorial;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** When two results of float arithmetic count as the same. */
final class Close {

  private static final double RELATIVE = 1e-5;
  private static final double ABSOLUTE = 1e-6;
  private static final double RELATIVE_ALONE = 1e-3;
  private static final double ZERO = 1e-12;

  private Close() {}

  /** |a - b| is at most 1e-6 + 1e-5 |b|, as BackPACK's tutorial has it. */
  static boolean close(double a, double b) {
    return Math.abs(a - b) <= ABSOLUTE + RELATIVE * Math.abs(b);
  }

  /** Beyond that, |a - b| is at most 1e-3 |b|, however small b is. */
  static boolean closeRelatively(double a, double b) {
    return close(a, b) && Math.abs(a - b) <= ZERO + RELATIVE_ALONE * Math.abs(b);
  }

  /** Every entry is close. */
  static boolean close(INDArray a, INDArray b) {
    double[] first = entries(a);
    double[] second = entries(b);
    return Arrays.equals(a.shape(), b.shape())
        && IntStream.range(0, first.length).allMatch(i -> close(first[i], second[i]));
  }

  /** All entries in C order. */
  static double[] entries(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }
}
