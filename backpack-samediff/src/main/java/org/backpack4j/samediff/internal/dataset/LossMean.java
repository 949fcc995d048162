package org.backpack4j.samediff.internal.dataset;

/**
 * A loss variable's value for all samples so far: Σ w L / Σ w of the batches, or Σ w L / w of a
 * sum.
 */
final class LossMean {
  /** Whether the values of batches are added up; else they are averaged. */
  final boolean sums;

  private double values;
  private double weights;

  LossMean(boolean sums) {
    this(sums, 0, 0);
  }

  /** One that was written down. */
  LossMean(boolean sums, double values, double weights) {
    this.sums = sums;
    this.values = values;
    this.weights = weights;
  }

  double values() {
    return values;
  }

  double weights() {
    return weights;
  }

  /** Adds a batch's value. */
  void add(double value, double weight) {
    values += weight * value;
    weights = sums ? weight : weights + weight;
  }

  /** Adds the value of other samples. */
  void merge(LossMean other) {
    values += other.values;
    weights = sums ? other.weights : weights + other.weights;
  }

  double value() {
    return weights == 0 ? 0 : values / weights;
  }
}
