package org.backpack4j.samediff.curvature;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.ejml.data.DMatrixRMaj;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Small things about matrices of type DOUBLE in 'c' order, of ND4J and of EJML. */
final class Matrices {
  private Matrices() {}

  static INDArray zeros(long... shape) {
    return Nd4j.create(DataType.DOUBLE, shape);
  }

  /** a b, where either may be transposed. A product over nothing is zero. */
  static INDArray product(INDArray a, boolean transposeA, INDArray b, boolean transposeB) {
    long rows = a.size(transposeA ? 1 : 0);
    long inner = a.size(transposeA ? 0 : 1);
    long columns = b.size(transposeB ? 0 : 1);
    if (rows == 0 || inner == 0 || columns == 0) {
      return zeros(rows, columns); // M2.1 leaves such results unwritten
    }
    return Nd4j.matmul(a, b, transposeA, transposeB, false);
  }

  static INDArray product(INDArray a, INDArray b) {
    return product(a, false, b, false);
  }

  /** The numbers in 'c' order. */
  static double[] numbers(INDArray array) {
    return array.length() == 0 ? new double[0] : array.dup('c').data().asDouble();
  }

  static INDArray array(double[] numbers, long... shape) {
    return numbers.length == 0 ? zeros(shape) : Nd4j.createFromArray(numbers).reshape('c', shape);
  }

  /** A copy for EJML. */
  static DMatrixRMaj ejml(INDArray matrix) {
    return DMatrixRMaj.wrap(
        Math.toIntExact(matrix.size(0)), Math.toIntExact(matrix.size(1)), numbers(matrix));
  }

  static INDArray nd4j(DMatrixRMaj matrix) {
    return array(
        Arrays.copyOf(matrix.data, matrix.getNumElements()), matrix.numRows, matrix.numCols);
  }

  /** A checked copy of type DOUBLE in 'c' order. */
  static INDArray checked(String what, INDArray array, long... shape) {
    if (!Arrays.equals(array.shape(), shape)) {
      throw new IllegalArgumentException(
          what
              + " has the shape "
              + Arrays.toString(array.shape())
              + ", but must have "
              + Arrays.toString(shape)
              + ".");
    }
    Vectors.refuseInfinite(what, array);
    return array.castTo(DataType.DOUBLE).dup('c');
  }

  /** A checked copy, symmetric to the last bit. */
  static INDArray symmetric(String what, INDArray matrix, long rows) {
    INDArray copy = checked(what, matrix, rows, rows);
    if (rows == 0) {
      return copy;
    }
    INDArray transposed = copy.transpose().dup('c');
    double off = copy.sub(transposed).amaxNumber().doubleValue();
    if (off > 1e-4 * copy.amaxNumber().doubleValue()) {
      throw new IllegalArgumentException(
          what + " is not symmetric: two entries that should be the same differ by " + off + ".");
    }
    return copy.addi(transposed).muli(0.5);
  }

  /** Independent numbers of a standard normal distribution. */
  static INDArray normal(RandomGenerator random, long rows, long columns) {
    double[] numbers = new double[Math.toIntExact(rows * columns)];
    for (int k = 0; k < numbers.length; k++) {
      numbers[k] = random.nextGaussian();
    }
    return array(numbers, rows, columns);
  }

  /** Independent numbers ±1. */
  static INDArray signs(RandomGenerator random, long rows, long columns) {
    double[] numbers = new double[Math.toIntExact(rows * columns)];
    for (int k = 0; k < numbers.length; k++) {
      numbers[k] = random.nextBoolean() ? 1 : -1;
    }
    return array(numbers, rows, columns);
  }

  /** Random numbers of their own, which no other generator's state depends on. */
  static RandomGenerator random(long seed) {
    return new SplittableRandom(seed);
  }

  /** The sums of each row's entrywise products with that of another matrix. */
  static double[] dots(INDArray a, INDArray b) {
    double[] dots = new double[Math.toIntExact(a.size(0))];
    if (a.length() > 0) {
      INDArray sums = a.mul(b).sum(1);
      for (int k = 0; k < dots.length; k++) {
        dots[k] = sums.getDouble(k);
      }
    }
    return dots;
  }
}
