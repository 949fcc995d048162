package org.backpack4j.samediff.check;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Whether the gradients of the samples and that of the penalties add up to the gradient, at every
 * entry: Σₙ grad_batch[n] + grad_penalty = grad. That holds where samples influence each other,
 * too, and shows what was lost on a way that no difference was taken along.
 */
final class RowSums {
  private final Parameter parameter;
  private final double[] gradient;
  private final double[] sums;

  /** What was added up, in absolute numbers: rounding is relative to that. */
  private final double[] sizes;

  /**
   * Adds up.
   *
   * @param parameter whose gradient it is
   * @param gradient grad, of the parameter's shape
   * @param rows grad_batch, of that shape for each sample
   * @param penalty grad_penalty; null if it was not handed in
   */
  RowSums(Parameter parameter, INDArray gradient, INDArray rows, @Nullable INDArray penalty) {
    this.parameter = parameter;
    this.gradient = Arrays64.of(gradient);
    this.sums = penalty == null ? new double[this.gradient.length] : Arrays64.of(penalty).clone();
    this.sizes = Arrays.stream(sums).map(Math::abs).toArray();
    double[] all = Arrays64.of(rows);
    for (int k = 0; k < all.length; k++) {
      sums[k % sums.length] += all[k];
      sizes[k % sums.length] += Math.abs(all[k]);
    }
  }

  private double gap(int index) {
    return Math.abs(gradient[index] - sums[index]);
  }

  /** The entry that is farthest off. */
  int worst() {
    int worst = 0;
    for (int k = 1; k < sums.length; k++) {
      worst = gap(k) > gap(worst) ? k : worst;
    }
    return worst;
  }

  /** What is missing at an entry. */
  double missing(int index) {
    return gradient[index] - sums[index];
  }

  /** The difference that rounding may make. */
  double limit(double tolerance) {
    return tolerance * Math.max(Estimate.maxAbs(gradient), Estimate.maxAbs(sizes));
  }

  /** What is the matter at an entry. */
  String describe(int index) {
    return "the samples' rows and the penalty add up to "
        + sums[index]
        + " at "
        + parameter.position(index)
        + ", but the gradient is "
        + gradient[index];
  }
}
