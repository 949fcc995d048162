package org.backpack4j.samediff.check;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Compares one output, number by number, as brute force delivers them. */
final class Comparison {
  private final Parameter shape;
  private final double[] found;
  private final double tolerance;
  private final DoubleUnaryOperator rounding;

  /**
   * The largest absolute entry, of the output or of what it should be: what differences are
   * measured by.
   */
  private double largest;

  private int compared;
  private int uncertain;
  private @Nullable Mismatch worst;

  /**
   * A comparison.
   *
   * @param output the output's name
   * @param array the output
   * @param tolerance the largest difference to accept, relative to the largest entry
   * @param rounding a difference that may be rounding, by the largest entry: whether more of it is
   *     there cannot be told
   */
  Comparison(String output, INDArray array, double tolerance, DoubleUnaryOperator rounding) {
    this.shape = new Parameter(output, array.shape());
    this.found = Arrays64.of(array);
    this.tolerance = tolerance;
    this.rounding = rounding;
    this.largest = Estimate.maxAbs(found);
  }

  /** Why the output is wrong as a whole; empty if nothing is to be seen. */
  String broken(long[] expectedShape) {
    if (!Arrays.equals(shape.shape(), expectedShape)) {
      return "has shape "
          + Arrays.toString(shape.shape())
          + ", should have "
          + Arrays.toString(expectedShape);
    }
    for (int k = 0; k < found.length; k++) {
      if (!Double.isFinite(found[k])) {
        return "is " + found[k] + " at " + shape.position(k);
      }
    }
    return "";
  }

  /** The index of the largest entry. */
  int largestEntry() {
    int index = 0;
    for (int k = 1; k < found.length; k++) {
      index = Math.abs(found[k]) > Math.abs(found[index]) ? k : index;
    }
    return index;
  }

  /**
   * Compares a parameter's entry, for all samples or their sum.
   *
   * @param index the entry
   * @param stride the parameter's number of entries: so far apart are two samples in the output
   * @param expected what brute force says, one number or one for each sample
   * @return whether brute force knows all numbers well enough
   */
  boolean add(long index, long stride, Estimate expected) {
    largest = Math.max(largest, Estimate.maxAbs(expected.values()));
    boolean certain = true;
    for (int n = 0; n < expected.values().length; n++) {
      certain &= add(Math.toIntExact(n * stride + index), expected.pick(n));
    }
    return certain;
  }

  private boolean add(int place, Estimate expected) {
    double value = expected.values()[0];
    double error = expected.errors()[0];
    double unit = largest == 0 ? 1 : largest;
    double difference = Math.abs(found[place] - value);
    boolean tooSmall = difference > tolerance * unit && difference <= rounding.applyAsDouble(unit);
    if (!(error <= tolerance * unit) || tooSmall) {
      uncertain++;
      return false;
    }
    compared++;
    double relative = difference / unit;
    if (worst == null || relative > worst.relative()) {
      worst =
          new Mismatch(shape.name(), shape.position(place), found[place], value, error, relative);
    }
    return true;
  }

  /** How it came out. */
  OutputCheck result() {
    Outcome verdict = Outcome.UNCERTAIN;
    if (worst != null) {
      verdict = worst.relative() <= tolerance ? Outcome.OK : Outcome.FAILED;
    }
    return new OutputCheck(shape.name(), verdict, compared, uncertain, tolerance, worst, "");
  }
}
