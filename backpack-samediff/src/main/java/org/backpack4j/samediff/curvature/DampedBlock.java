package org.backpack4j.samediff.curvature;

import java.util.Optional;
import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A block with damping, positive definite. */
interface DampedBlock {
  /** The damped block times vectors [V, d], a new array. */
  INDArray times(INDArray vectors);

  /** The inverse times vectors [V, d], a new array. */
  INDArray solve(INDArray vectors);

  double logdet();

  /** Draws [n, d] of a normal distribution with the inverse as its covariance. */
  INDArray sample(int n, RandomGenerator random);

  /** The diagonal of the inverse [d]. */
  INDArray inverseDiagonal();

  /**
   * The covariances of rows [N, I] times the block's weight [I, O], where the inverse is the
   * weight's covariance; nothing if the form has no shorter way than the inverse itself.
   */
  default Optional<OutputCovariances> ofOutputs(INDArray rows) {
    return Optional.empty();
  }
}
