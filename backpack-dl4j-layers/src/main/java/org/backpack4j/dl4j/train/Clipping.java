package org.backpack4j.dl4j.train;

import org.backpack4j.samediff.extension.ClippedGrad;

/**
 * How gradients are clipped.
 *
 * @param kind by which norms
 * @param bound R; of adaptive clipping the first
 * @param gamma γ of automatic clipping
 * @param quantile of adaptive clipping, which share of the samples is to be below the bound
 */
record Clipping(Kind kind, double bound, double gamma, double quantile) {
  /** How fast an adaptive bound changes. */
  private static final double RATE = 0.2;

  /** By which norms. */
  enum Kind {
    FLAT,
    PER_LAYER,
    AUTOMATIC,
    ADAPTIVE
  }

  /**
   * The quantity.
   *
   * @param layers how many layers have parameters
   * @return the clipped sums, with weights of samples that are fed
   */
  ClippedGrad extension(int layers) {
    ClippedGrad clipped =
        switch (kind) {
          case FLAT -> ClippedGrad.flat(bound);
          case PER_LAYER ->
              ClippedGrad.grouped(Clipping::layer, layer -> bound / Math.sqrt(layers));
          case AUTOMATIC -> ClippedGrad.automatic(gamma);
          case ADAPTIVE -> new ClippedGrad();
        };
    return clipped.weighted();
  }

  /** The layer of a parameter: {@code conv1} of {@code conv1_W}. */
  static String layer(String parameter) {
    return parameter.substring(0, parameter.lastIndexOf('_'));
  }

  /**
   * By how much a sample moves the clipped sum at most.
   *
   * @param now the bound at present
   */
  double sensitivity(double now) {
    return kind == Kind.AUTOMATIC ? 1 : now;
  }

  boolean isAdaptive() {
    return kind == Kind.ADAPTIVE;
  }

  /**
   * The bound of the next step (Andrew, Thakkar, McMahan and Ramaswamy, 2021, "Differentially
   * private learning with adaptive clipping").
   *
   * @param now the bound at present
   * @param below the noisy share of the samples below it
   */
  double next(double now, double below) {
    return now * Math.exp(-RATE * (below - quantile));
  }

  /**
   * The standard deviation of the noise of the number of samples below the bound.
   *
   * @param sigma the noise multiplier of the whole step
   * @param expected the expected number of samples
   */
  static double countDeviation(double sigma, double expected) {
    return Math.max(expected / 20, sigma);
  }

  /**
   * The noise multiplier of the gradient. Where a count, of which a sample moves ±½, has noise of
   * its own, the two together are as private as one with the multiplier σ: σ⁻² = σ_g⁻² + (2 σ_b)⁻².
   *
   * @param sigma the noise multiplier of the whole step
   * @param expected the expected number of samples
   */
  double gradientMultiplier(double sigma, double expected) {
    if (!isAdaptive()) {
      return sigma;
    }
    double twice = 2 * countDeviation(sigma, expected);
    return 1 / Math.sqrt(1 / (sigma * sigma) - 1 / (twice * twice));
  }
}
