package org.backpack4j.dl4j.internal.listen;

import org.backpack4j.samediff.internal.ir.Precision;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * How far one gradient of a parameter is from another. Entries that are NaN or infinite in both are
 * the same.
 *
 * @param off the norm of the difference, of the entries that are finite in both
 * @param size the norm of the first one, of the same entries
 * @param apart how many entries are finite in one of them alone
 */
record GradientDistance(double off, double size, long apart) {
  /** Below it, a square in single precision may have lost its digits. */
  private static final double TINY = 1e-30;

  /**
   * Compares.
   *
   * @param first the gradient that the difference is related to
   * @param second the other one, of the same length, in 'c' order
   * @param factor what the other one is to be multiplied by
   */
  static GradientDistance between(INDArray first, INDArray second, double factor) {
    // the gradient of a Convolution1D has an axis less than its parameter, and ours are in single
    // precision where the network is in half
    INDArray theirs = first.reshape(second.shape()).castTo(second.dataType()).dup('c');
    double size = square(theirs);
    double off = square(theirs.subi(factor == 1 ? second : second.mul(factor)));
    if (Double.isFinite(size) && Double.isFinite(off) && (size > TINY || zeros(first, second))) {
      return new GradientDistance(Math.sqrt(off), Math.sqrt(size), 0);
    }
    return entryByEntry(first.reshape(second.shape()), second, factor);
  }

  private static boolean zeros(INDArray first, INDArray second) {
    return first.amaxNumber().doubleValue() == 0 && second.amaxNumber().doubleValue() == 0;
  }

  /** The sum of the squares, by a dot product, which is at memory speed. */
  private static double square(INDArray array) {
    INDArray vector = array.reshape(array.length()).castTo(Precision.working(array.dataType()));
    return Nd4j.getBlasWrapper().dot(vector, vector);
  }

  private static GradientDistance entryByEntry(INDArray first, INDArray second, double factor) {
    double[] a = numbers(first);
    double[] b = numbers(second);
    double largest = Double.MIN_NORMAL;
    for (int k = 0; k < a.length; k++) {
      b[k] *= factor;
      if (Double.isFinite(a[k]) && Double.isFinite(b[k])) {
        largest = Math.max(largest, Math.max(Math.abs(a[k]), Math.abs(b[k])));
      }
    }
    double off = 0;
    double size = 0;
    long apart = 0;
    for (int k = 0; k < a.length; k++) {
      boolean finite = Double.isFinite(a[k]);
      if (finite != Double.isFinite(b[k])) {
        apart++;
      } else if (finite) {
        double scaled = a[k] / largest;
        double difference = scaled - b[k] / largest;
        off += difference * difference;
        size += scaled * scaled;
      }
    }
    return new GradientDistance(Math.sqrt(off) * largest, Math.sqrt(size) * largest, apart);
  }

  private static double[] numbers(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').reshape(array.length()).toDoubleVector();
  }

  /** The norm of an array, in double precision. */
  static double norm(INDArray array) {
    double square = square(array.dup('c'));
    return square > TINY && Double.isFinite(square)
        ? Math.sqrt(square)
        : array.castTo(DataType.DOUBLE).norm2Number().doubleValue();
  }

  /** The difference in units of the first gradient's norm; infinite only if entries are apart. */
  double relative() {
    if (apart > 0) {
      return Double.POSITIVE_INFINITY;
    }
    return off == 0 ? 0 : Math.min(off / size, Double.MAX_VALUE);
  }

  /** Whether the difference is no larger than a length. */
  boolean within(double length) {
    return apart == 0 && off <= length;
  }

  /** What a person is told of it. */
  String told() {
    return apart > 0
        ? "not finite in %d entries where DL4J's is, or the other way round".formatted(apart)
        : size == 0
            ? "off from DL4J's, which is zero, by %.1e".formatted(off)
            : "off from DL4J's by %.1e of its norm".formatted(off / size);
  }
}
