package org.backpack4j.dl4j.train;

/**
 * Adapts the damping λ as Levenberg and Marquardt do (Martens and Grosse, 2015, section 6.5): every
 * T steps, by the ratio ρ of the loss's change to the change that the quadratic model says, λ is
 * multiplied by ω = (19/20)ᵀ where ρ > 3/4, and divided by ω where ρ < 1/4.
 */
final class DampingRule {
  private static final double PER_STEP = 19.0 / 20;

  private double damping;
  private int every;

  DampingRule(double damping) {
    this.damping = damping;
  }

  double damping() {
    return damping;
  }

  void damping(double lambda) {
    damping = lambda;
  }

  /** Adapts every so many steps; 0 for never. */
  void every(int steps) {
    every = steps;
  }

  boolean adapts() {
    return every > 0;
  }

  /** Whether the damping is adapted after a step, the first of which has the number 1. */
  boolean isDueAfter(long step) {
    return every > 0 && step % every == 0;
  }

  /**
   * Adapts.
   *
   * @param before the loss before the step
   * @param after the loss after the step, on the same batch
   * @param model the change that the quadratic model says
   * @param rounding how exact the losses are, relative to them
   * @return ρ; NaN if it tells nothing, because the model says that the loss does not fall, or by
   *     less than its rounding
   */
  double adapt(double before, double after, double model, double rounding) {
    double omega = Math.pow(PER_STEP, every);
    if (!Double.isFinite(after)) {
      damping /= omega;
      return Double.NEGATIVE_INFINITY;
    }
    if (!(model < -rounding * Math.abs(before))) {
      return Double.NaN;
    }
    double ratio = (after - before) / model;
    if (ratio > 0.75) {
      damping *= omega;
    } else if (ratio < 0.25) {
      damping /= omega;
    }
    return ratio;
  }
}
