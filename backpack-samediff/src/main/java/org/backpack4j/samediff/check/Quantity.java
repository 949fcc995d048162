package org.backpack4j.samediff.check;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The fields of outputs that can be compared entry by entry, and what differences say about them.
 */
enum Quantity {
  GRAD("grad"),
  GRAD_PENALTY("grad_penalty"),
  GRAD_BATCH("grad_batch"),
  SUM_GRAD_SQUARED("sum_grad_squared"),
  VARIANCE("variance"),
  DIAG_GGN_EXACT("diag_ggn_exact"),
  DIAG_GGN_EXACT_BATCH("diag_ggn_exact_batch"),
  DIAG_H("diag_h"),
  DIAG_H_BATCH("diag_h_batch"),
  /** Its columns' squares are compared, which are the same for every root. */
  SQRT_GGN_EXACT("sqrt_ggn_exact"),
  JACOBIAN("jacobian");

  private final String field;

  Quantity(String field) {
    this.field = field;
  }

  /** The output's name. */
  String of(Parameter parameter) {
    return parameter.name() + "." + field;
  }

  /** Whether there is one number for each sample. */
  boolean bySample() {
    return switch (this) {
      case GRAD_BATCH, DIAG_GGN_EXACT_BATCH, DIAG_H_BATCH, SQRT_GGN_EXACT, JACOBIAN -> true;
      case GRAD, GRAD_PENALTY, SUM_GRAD_SQUARED, VARIANCE, DIAG_GGN_EXACT, DIAG_H -> false;
    };
  }

  /** Whether it follows from the gradient of each sample, which there may be none of. */
  boolean ofSampleGradients() {
    return switch (this) {
      case GRAD_BATCH, SUM_GRAD_SQUARED, VARIANCE -> true;
      case GRAD,
          GRAD_PENALTY,
          DIAG_GGN_EXACT,
          DIAG_GGN_EXACT_BATCH,
          DIAG_H,
          DIAG_H_BATCH,
          SQRT_GGN_EXACT,
          JACOBIAN ->
          false;
    };
  }

  /** Whether it is a square of derivatives, or a sum of such. */
  boolean isSquare() {
    return switch (this) {
      case SUM_GRAD_SQUARED, VARIANCE, DIAG_GGN_EXACT, DIAG_GGN_EXACT_BATCH, SQRT_GGN_EXACT -> true;
      case GRAD, GRAD_PENALTY, GRAD_BATCH, DIAG_H, DIAG_H_BATCH, JACOBIAN -> false;
    };
  }

  /** Whether it is a derivative of the predictions, one behind the other. */
  boolean ofPredictions() {
    return this == JACOBIAN;
  }

  /**
   * What of an output is compared: itself, but of a root the sums of its columns' squares [N, P…],
   * and of a Jacobian its rows [N · V, P…]. An output of another shape is answered as it is.
   */
  INDArray seen(INDArray output, Parameter parameter) {
    if (output.rank() != parameter.shape().length + 2) {
      return output;
    }
    return switch (this) {
      case SQRT_GGN_EXACT -> output.mul(output).sum(0);
      case JACOBIAN ->
          output.dup('c').reshape('c', parameter.shape(output.size(0) * output.size(1)));
      default -> output;
    };
  }

  /** What differences say: one number, or N. */
  Estimate measure(Entry entry) {
    return switch (this) {
      case GRAD -> entry.gradient();
      case GRAD_PENALTY -> entry.penalty();
      case GRAD_BATCH -> entry.gradientBySample();
      case SUM_GRAD_SQUARED -> Moments.sumOfSquares(entry.gradientBySample());
      case VARIANCE -> Moments.variance(entry.gradientBySample());
      case DIAG_GGN_EXACT -> entry.ggn();
      case DIAG_GGN_EXACT_BATCH -> entry.ggnBySample();
      case DIAG_H -> entry.hessian();
      case DIAG_H_BATCH -> entry.hessianBySample();
      case SQRT_GGN_EXACT -> entry.ggnBySample();
      case JACOBIAN -> entry.predictions();
    };
  }
}
