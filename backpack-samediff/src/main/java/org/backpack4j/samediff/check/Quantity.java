package org.backpack4j.samediff.check;

import java.util.function.Function;

/**
 * The fields of outputs that can be compared entry by entry, and what differences say about them.
 */
enum Quantity {
  GRAD("grad", false, false, Entry::gradient),
  GRAD_PENALTY("grad_penalty", false, false, Entry::penalty),
  GRAD_BATCH("grad_batch", true, true, Entry::gradientBySample),
  SUM_GRAD_SQUARED(
      "sum_grad_squared", false, true, e -> Moments.sumOfSquares(e.gradientBySample())),
  VARIANCE("variance", false, true, e -> Moments.variance(e.gradientBySample())),
  DIAG_GGN_EXACT("diag_ggn_exact", false, false, Entry::ggn),
  DIAG_GGN_EXACT_BATCH("diag_ggn_exact_batch", true, false, Entry::ggnBySample),
  DIAG_H("diag_h", false, false, Entry::hessian),
  DIAG_H_BATCH("diag_h_batch", true, false, Entry::hessianBySample);

  private final String field;
  private final boolean bySample;
  private final boolean ofSampleGradients;
  private final Function<Entry, Estimate> measure;

  Quantity(
      String field,
      boolean bySample,
      boolean ofSampleGradients,
      Function<Entry, Estimate> measure) {
    this.field = field;
    this.bySample = bySample;
    this.ofSampleGradients = ofSampleGradients;
    this.measure = measure;
  }

  /** The output's name. */
  String of(Parameter parameter) {
    return parameter.name() + "." + field;
  }

  /** Whether there is one number for each sample. */
  boolean bySample() {
    return bySample;
  }

  /** Whether it follows from the gradient of each sample, which there may be none of. */
  boolean ofSampleGradients() {
    return ofSampleGradients;
  }

  /** What differences say: one number, or N. */
  Estimate measure(Entry entry) {
    return measure.apply(entry);
  }
}
