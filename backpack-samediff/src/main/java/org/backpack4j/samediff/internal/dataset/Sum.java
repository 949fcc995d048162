package org.backpack4j.samediff.internal.dataset;

import java.util.Arrays;
import java.util.Objects;
import org.backpack4j.samediff.extension.Combination;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What has been gathered of one quantity, in double precision. */
final class Sum {
  private final Combination combination;
  private final DataType type;
  private final long[] shape;

  /** Σ Dᵖ Q; of means Σ N Q; of variances the sum of squared deviations. */
  private final Doubles sum;

  /** The mean of the samples' gradients, of variances alone. */
  private final @Nullable Doubles mean;

  Sum(Combination combination, DataType type, long... shape) {
    this(
        combination,
        type,
        Doubles.zeros(shape),
        combination.kind() == Combination.Kind.VARIANCE ? Doubles.zeros(shape) : null);
  }

  /** One that was written down. */
  Sum(Combination combination, DataType type, Doubles sum, @Nullable Doubles mean) {
    this.combination = combination;
    this.type = type;
    this.shape = sum.array().shape();
    this.sum = sum;
    this.mean = mean;
  }

  Combination combination() {
    return combination;
  }

  DataType type() {
    return type;
  }

  INDArray sum() {
    return sum.array();
  }

  @Nullable INDArray mean() {
    return mean == null ? null : mean.array();
  }

  /** Whether a batch's result is of the same shape. */
  boolean fits(INDArray result) {
    return Arrays.equals(shape, result.shape());
  }

  /** Adds a multiple of a batch's result, which is changed. */
  void add(INDArray result, double weight) {
    if (weight != 1) {
      result.muli(weight);
    }
    sum().addi(result);
  }

  /**
   * Adds the variance of some samples to that of those before them (Chan, Golub and LeVeque, 1979).
   *
   * @param squares the sum of their squared deviations from their mean, of gradients without the
   *     loss's factor
   * @param average the mean of their gradients; changed
   * @param samples how many they are
   * @param before how many are before them
   */
  void merge(INDArray squares, INDArray average, long samples, long before) {
    INDArray all = Objects.requireNonNull(mean());
    double share = (double) samples / (before + samples);
    INDArray step = average.subi(all).muli(share);
    all.addi(step);
    sum().addi(squares);
    sum().addi(step.muli(step).muli(before / share));
  }

  /**
   * Adds what was gathered of other samples, which is changed.
   *
   * @param samples how many they are
   * @param before how many were added before
   */
  void merge(Sum other, long samples, long before) {
    if (combination.kind() == Combination.Kind.VARIANCE) {
      merge(other.sum(), Objects.requireNonNull(other.mean()), samples, before);
    } else {
      sum().addi(other.sum());
    }
  }

  /** The quantity of all samples. */
  INDArray result(long samples, double normaliser) {
    double factor =
        switch (combination.kind()) {
          case MEAN -> 1.0 / samples;
          case VARIANCE -> scale(normaliser, combination.degree()) / samples;
          default -> scale(normaliser, combination.degree());
        };
    return sum().mul(factor).castTo(type);
  }

  /** What a sum is multiplied by; nothing is left where there is nothing to divide by. */
  private static double scale(double normaliser, double degree) {
    return degree == 0 || normaliser == 1 ? 1 : normaliser == 0 ? 0 : Math.pow(normaliser, -degree);
  }

  long bytes() {
    return Double.BYTES * sum().length() * (mean == null ? 1 : 2);
  }

  void close() {
    sum.close();
    if (mean != null) {
      mean.close();
    }
  }
}
