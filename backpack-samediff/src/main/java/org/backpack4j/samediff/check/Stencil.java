package org.backpack4j.samediff.check;

/**
 * A curve at 0 and at ±h, ±h/2, ±h/4, ±h/8, and the two derivatives at 0 that follow from it.
 *
 * <p>The central differences (f(h) − f(−h)) / 2h and (f(h) − 2 f(0) + f(−h)) / h² are power series
 * in h²; Richardson's extrapolation cancels its first terms (L. F. Richardson, "The approximate
 * arithmetical solution by finite differences of physical problems", 1911). The error is estimated
 * by the change against the extrapolation without the largest step: an error at that step alone, as
 * a kink between h/2 and h makes, shows in it fully. Of the results from the largest two, three or
 * four steps the one with the smallest error is taken: small steps add rounding errors.
 */
final class Stencil {
  private static final int LEVELS = 4;

  /**
   * The spacing of double-precision numbers at 1: how exactly a function value is known, at best.
   */
  private static final double EPSILON = Math.ulp(1.0);

  private final double step;
  private final double[] middle;
  private final double scale;
  private final double[][] right = new double[LEVELS][];
  private final double[][] left = new double[LEVELS][];

  /**
   * Evaluates a curve at eight points.
   *
   * @param curve the curve
   * @param middle its components at 0
   * @param step the largest distance from 0
   * @param scale the size of the numbers that the components are computed from, if that is larger
   *     than their own: so exactly they are known
   */
  Stencil(Curve curve, double[] middle, double step, double scale) {
    this.step = step;
    this.middle = middle;
    this.scale = scale;
    for (int level = 0; level < LEVELS; level++) {
      right[level] = curve.at(h(level));
      left[level] = curve.at(-h(level));
    }
  }

  private double h(int level) {
    return step / (1 << level);
  }

  /** The first derivative of each component. */
  Estimate slope() {
    Estimate best = Estimate.unknown(middle.length);
    for (int used = 3; used <= LEVELS; used++) {
      Estimate slope = Estimate.unknown(middle.length);
      for (int k = 0; k < middle.length; k++) {
        double[] differences = new double[used];
        for (int level = 0; level < used; level++) {
          differences[level] = (right[level][k] - left[level][k]) / (2 * h(level));
        }
        double rounding = rounding(k) / h(used - 1);
        slope.set(k, extrapolated(differences, rounding + Math.abs(kink(used, k)) / 2));
      }
      best = best.best(slope);
    }
    return best;
  }

  /** The second derivative of each component. */
  Estimate curvature() {
    Estimate best = Estimate.unknown(middle.length);
    // A curve that is quadratic between two kinks is best seen with the fewest and largest steps.
    for (int used = 2; used <= LEVELS; used++) {
      Estimate curvature = Estimate.unknown(middle.length);
      for (int k = 0; k < middle.length; k++) {
        double[] differences = new double[used];
        for (int level = 0; level < used; level++) {
          differences[level] = oneSidedGap(level, k) / h(level);
        }
        double rounding = 4 * rounding(k) / (h(used - 1) * h(used - 1));
        curvature.set(k, extrapolated(differences, rounding));
      }
      best = best.best(curvature);
    }
    return best;
  }

  /** The slope to the right of 0 less the slope to its left, from one step. */
  private double oneSidedGap(int level, int k) {
    return ((right[level][k] - middle[k]) - (middle[k] - left[level][k])) / h(level);
  }

  /**
   * How much the slope jumps at 0. Central differences do not see a kink there: they agree, at all
   * steps, on the mean of both slopes. For a smooth curve the one-sided gap is h f'' + h³ f''''/12
   * + …, for a kink it is the jump at all h: here the first two terms cancel, and the jump stays.
   */
  private double kink(int used, int k) {
    double gap = oneSidedGap(used - 2, k);
    double first = 2 * gap - oneSidedGap(used - 3, k);
    double second = 2 * oneSidedGap(used - 1, k) - gap;
    return (8 * second - first) / 7;
  }

  /**
   * How far a component may be off; not at all where it is the same everywhere, as behind a unit
   * that is dead. (A saturated one may be the same to the last bit as well: {@link Negligible}.)
   */
  private double rounding(int k) {
    boolean constant = scale == 0;
    for (int level = 0; level < LEVELS && constant; level++) {
      constant = right[level][k] == middle[k] && left[level][k] == middle[k];
    }
    return constant ? 0 : EPSILON * Math.max(scale, Math.abs(middle[k]));
  }

  /** The limit of differences whose steps halve, with what else is known of their error. */
  private static Estimate extrapolated(double[] differences, double error) {
    int last = differences.length - 1;
    double[] column = differences.clone();
    double withoutLargest = column[last];
    for (int order = 1; order <= last; order++) {
      withoutLargest = column[last];
      double factor = Math.scalb(1.0, 2 * order) - 1;
      for (int level = last; level >= order; level--) {
        column[level] += (column[level] - column[level - 1]) / factor;
      }
    }
    double total = Math.abs(column[last] - withoutLargest) + error;
    return Estimate.of(column[last], Double.isNaN(total) ? Double.POSITIVE_INFINITY : total);
  }
}
