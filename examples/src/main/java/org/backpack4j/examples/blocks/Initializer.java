package org.backpack4j.examples.blocks;

import org.nd4j.linalg.api.ndarray.INDArray;

/** Gives parameters and buffers their first values. It is asked once for each, in their order. */
@FunctionalInterface
public interface Initializer {

  /** What an array is for. */
  enum Role {
    /** The weight of a convolution or a linear layer. */
    WEIGHT,
    /** The bias of a convolution or a linear layer. */
    BIAS,
    /** The factor of a normalisation. */
    SCALE,
    /** The summand of a normalisation. */
    SHIFT,
    /** A fixed mean: a buffer. */
    RUNNING_MEAN,
    /** A fixed variance: a buffer. */
    RUNNING_VARIANCE;

    /** Whether this is a buffer, not a parameter. */
    public boolean isBuffer() {
      return this == RUNNING_MEAN || this == RUNNING_VARIANCE;
    }
  }

  /**
   * The values of one array.
   *
   * @param name its name
   * @param role what it is for
   * @param fanIn how many inputs each output of its layer has; for normalisations 0
   * @param shape its shape in PyTorch's layout
   * @return a float array of that shape, in C order
   */
  INDArray values(String name, Role role, long fanIn, long... shape);
}
