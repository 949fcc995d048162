package org.backpack4j.samediff.privacy;

import java.util.Arrays;
import java.util.List;
import org.backpack4j.samediff.privacy.SampledGaussian.Measure;

/**
 * The distribution of the privacy loss of all steps in one direction, on a grid: the discretised
 * losses of the steps are independent, so that their spectra multiply (Gopi, Lee and Wutschitz,
 * 2021, Algorithms 1 and 2). Each is truncated to the grid, and shifted to keep its mean, so that
 * the errors of many steps cancel.
 */
final class ComposedLoss {
  /** The logarithm of what is nothing beside one, in double precision and all its sums. */
  private static final double NOTHING = -100;

  private final LossGrid grid;
  private final double[] masses;
  private final double shift;
  private final double rounding;

  private ComposedLoss(LossGrid grid, double[] masses, double shift, double rounding) {
    this.grid = grid;
    this.masses = masses;
    this.shift = shift;
    this.rounding = rounding;
  }

  /**
   * Composes all steps.
   *
   * @param from {@code P}: the loss ln P/Q of outcomes with the sample, which is removed; {@code
   *     Q}: the loss ln Q/P of outcomes without it, to which it is added
   */
  static ComposedLoss of(List<SampledGaussian> mechanisms, LossGrid grid, Measure from) {
    int size = grid.size();
    Fourier fourier = new Fourier(size);
    double[] logs = new double[size / 2 + 1]; // of the spectrum's absolute values
    double[] angles = new double[size / 2 + 1];
    double[] re = new double[size];
    double[] im = new double[size];
    double shift = 0;
    double steps = 0;
    for (SampledGaussian mechanism : mechanisms) {
      Arrays.fill(re, 0);
      Arrays.fill(im, 0);
      shift += mechanism.steps() * discretise(mechanism, grid, from, re);
      steps += mechanism.steps();
      fourier.forward(re, im);
      for (int k = 0; k <= size / 2; k++) {
        logs[k] += mechanism.steps() * 0.5 * Math.log(re[k] * re[k] + im[k] * im[k]);
        if (logs[k] > NOTHING) {
          angles[k] += mechanism.steps() * Math.atan2(im[k], re[k]);
        }
      }
    }
    Arrays.fill(re, 0);
    Arrays.fill(im, 0);
    for (int k = 0; k <= size / 2; k++) {
      if (logs[k] > NOTHING) {
        double scale = Math.exp(logs[k]) / size;
        int mirror = (size - k) % size;
        re[k] = scale * Math.cos(angles[k]);
        re[mirror] = re[k];
        im[mirror] = scale * Math.sin(angles[k]); // conjugated, for the way back
        im[k] = mirror == k ? 0 : -im[mirror];
      }
    }
    fourier.forward(re, im);
    double negative = 0;
    for (int i = 0; i < size; i++) {
      negative -= Math.min(0, re[i]);
      re[i] = Math.max(0, re[i]);
    }
    // No mass is negative but by rounding, which goes both ways; a power of a spectrum whose
    // numbers are off by 2^-53 is off by as many of them as there are steps.
    return new ComposedLoss(grid, re, shift, 2 * negative + steps * 0x1p-50);
  }

  /** Fills in the masses of one step's loss, and returns the shift that gives them its mean. */
  private static double discretise(
      SampledGaussian mechanism, LossGrid grid, Measure from, double[] masses) {
    int last = grid.last();
    int sign = from == Measure.P ? 1 : -1;
    double left = mechanism.point(-grid.reach());
    double start = left;
    double below = mechanism.below(from, left); // read where left is low
    double above = 0; // read where left is high
    double kept = 0;
    double mean = 0;
    for (int j = -last; j <= last; j++) {
      double right = mechanism.point((j + 0.5) * grid.mesh());
      double belowRight = left > 0.5 ? 0 : mechanism.below(from, right);
      double aboveRight = right > 0.5 ? mechanism.above(from, right) : 0;
      double mass = left > 0.5 ? above - aboveRight : belowRight - below;
      masses[grid.index(sign * j)] = mass;
      kept += mass;
      mean += j * grid.mesh() * mass;
      left = right;
      below = belowRight;
      above = aboveRight;
    }
    for (int i = 0; i < masses.length; i++) {
      masses[i] /= kept;
    }
    double shift = (mechanism.meanLoss(from, start, left) - mean) / kept;
    if (!(Math.abs(shift) <= grid.mesh())) {
      throw new ArithmeticException(
          "The privacy loss of %s has lost its mean on %s by %s, expected no more than the mesh:"
                  .formatted(mechanism, grid, shift)
              + " use PrivacyAccountant.rdp()");
    }
    return sign * shift;
  }

  /** By how much a δ may be off: what the discretisation and what rounding may do. */
  double deltaError() {
    return grid.deltaError() + rounding;
  }

  /** δ(ε) = E[max(0, 1 − e^{ε − loss})]. */
  double delta(double epsilon) {
    double sum = 0;
    for (int j = grid.last(); j >= -grid.last(); j--) {
      double loss = j * grid.mesh() + shift;
      if (loss <= epsilon) {
        break;
      }
      sum -= masses[grid.index(j)] * Math.expm1(epsilon - loss);
    }
    return sum;
  }

  /** The ε, not below 0, whose δ(ε) is what is given. */
  double epsilon(double delta) {
    double decay = Math.exp(-grid.mesh());
    double mass = 0; // of the losses from here on
    double discounted = 0; // each times e^{this loss − that loss}
    for (int j = grid.last(); j >= -grid.last(); j--) {
      mass += masses[grid.index(j)];
      discounted = masses[grid.index(j)] + decay * discounted;
      double loss = j * grid.mesh() + shift;
      if (mass - decay * discounted >= delta || loss <= 0) { // δ at the next loss below
        return Math.max(0, mass <= delta ? 0 : loss + Math.log((mass - delta) / discounted));
      }
    }
    return 0;
  }
}
