package org.backpack4j.dl4j.train;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The noise of a step, and the bound that it is in proportion to. */
final class NoisySums {
  private final Clipping clipping;
  private final NoiseSource noise;
  private final double sigma;
  private final double expected;
  private volatile double bound;

  /**
   * Noise.
   *
   * @param sigma the noise multiplier
   * @param expected the expected number of samples of a batch
   */
  NoisySums(Clipping clipping, NoiseSource noise, double sigma, double expected) {
    this.clipping = clipping;
    this.noise = noise;
    this.sigma = sigma;
    this.expected = expected;
    this.bound = clipping.bound();
  }

  boolean isAdaptive() {
    return clipping.isAdaptive();
  }

  /** R of the next step. */
  double bound() {
    return bound;
  }

  double expected() {
    return expected;
  }

  /**
   * Begins a step, and moves an adaptive bound for the next.
   *
   * @param samples how many samples it has
   * @param clipped how many are clipped
   * @return the standard deviation of the gradient's noise
   */
  double begin(double samples, double clipped) {
    double deviation = clipping.gradientMultiplier(sigma, expected) * clipping.sensitivity(bound);
    if (clipping.isAdaptive()) {
      double spread = Clipping.countDeviation(sigma, expected);
      double count = samples - clipped - samples / 2 + noise.normals(1, spread)[0];
      bound = clipping.next(bound, count / expected + 0.5);
    }
    return deviation;
  }

  /** A sum with noise, in double precision. */
  INDArray with(INDArray sum, double deviation) {
    double[] normals = noise.normals(Math.toIntExact(sum.length()), deviation);
    return Nd4j.create(normals, sum.shape(), 'c').addi(sum.castTo(DataType.DOUBLE));
  }
}
