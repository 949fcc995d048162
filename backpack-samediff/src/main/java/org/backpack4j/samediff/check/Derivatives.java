package org.backpack4j.samediff.check;

/**
 * Derivatives of curves at 0, from stencils of several sizes: a small one fits between the kinks of
 * a network of {@code relu}s, a large one keeps rounding errors small. Each component takes the
 * result of the smallest estimated error.
 */
final class Derivatives {
  /** Errors so small, relative to the largest component, need no further stencil. */
  static final double GOOD = 1e-9;

  /** The same for second derivatives along a direction. */
  private static final double GOOD_CURVATURE = 1e-8;

  /**
   * A step should change the curve by this fraction at least: rounding leaves eleven digits then.
   */
  private static final double VISIBLE = 1e-4;

  private static final int MAX_GROWTHS = 5;

  /** For parameters: how far the first step is shortened until kinks no longer disturb. */
  private static final double[] SHORTER = {1, 1.0 / 16, 1.0 / 256, 1.0 / 4096};

  /**
   * For predictions, in units of the largest entry of the direction. Losses of logits are analytic
   * up to a distance of some π/2, so 0.1 is exact to eleven digits; the smaller ones are for losses
   * with kinks or poles, the larger ones for predictions so large that a small step drowns in
   * rounding.
   */
  private static final double[] ALONG_DIRECTION = {0.1, 0.02, 1.6, 0.004, 25.6};

  /**
   * A loss that is almost zero is the logarithm of a number near one, or a difference of such
   * numbers: rounding is that of one.
   */
  private static final double LOSS_SCALE = 1;

  private Derivatives() {}

  /**
   * The first derivative of a curve in a parameter.
   *
   * @param curve the curve
   * @param middle its components at 0
   * @param firstStep a step that is small in view of the parameter's size
   */
  static Estimate slope(Curve curve, double[] middle, double firstStep) {
    return slope(curve, middle, firstStep, 0);
  }

  /** The same of a loss, however small it is. */
  static Estimate slopeOfLoss(Curve curve, double[] middle, double firstStep) {
    return slope(curve, middle, firstStep, LOSS_SCALE);
  }

  private static Estimate slope(Curve curve, double[] middle, double firstStep, double scale) {
    double step = visibleStep(curve, middle, firstStep);
    Estimate best = Estimate.unknown(middle.length);
    for (double factor : SHORTER) {
      best = best.best(new Stencil(curve, middle, factor * step, scale).slope());
      if (best.isWithin(GOOD)) {
        break;
      }
    }
    return best;
  }

  /** As {@link #slopeOfLoss}, the second derivative. */
  static Estimate curvature(Curve curve, double[] middle, double firstStep) {
    // The step of a second difference has to be longer: rounding errors are divided by its square.
    double step = 16 * visibleStep(curve, middle, firstStep);
    Estimate best = Estimate.unknown(middle.length);
    for (double factor : SHORTER) {
      best = best.best(new Stencil(curve, middle, factor * step, LOSS_SCALE).curvature());
      if (best.isWithin(GOOD)) {
        break;
      }
    }
    return best;
  }

  private static double visibleStep(Curve curve, double[] middle, double firstStep) {
    double step = firstStep;
    for (int i = 0; i < MAX_GROWTHS; i++) {
      double change = largestChange(curve.at(step), middle);
      // No change at all is not a small one: a unit that is dead here may live elsewhere.
      if (change == 0 || !(change < VISIBLE * Estimate.maxAbs(middle))) {
        break;
      }
      step *= 8;
    }
    return step;
  }

  private static double largestChange(double[] values, double[] middle) {
    double change = 0;
    for (int k = 0; k < values.length; k++) {
      change = Math.max(change, Math.abs(values[k] - middle[k]));
    }
    return change;
  }

  /**
   * Slope and curvature of a loss in predictions.
   *
   * @param curve a curve whose argument is in units of the largest entry of its direction
   * @param middle its value at 0
   * @return the two derivatives, in that order
   */
  static Estimate slopeAndCurvature(Curve curve, double[] middle) {
    Estimate slope = Estimate.unknown(1);
    Estimate curvature = Estimate.unknown(1);
    for (double step : ALONG_DIRECTION) {
      Stencil stencil = new Stencil(curve, middle, step, LOSS_SCALE);
      slope = slope.best(stencil.slope());
      curvature = curvature.best(stencil.curvature());
      if (slope.isWithin(GOOD) && curvature.isWithin(GOOD_CURVATURE)) {
        break;
      }
    }
    return slope.then(curvature);
  }
}
