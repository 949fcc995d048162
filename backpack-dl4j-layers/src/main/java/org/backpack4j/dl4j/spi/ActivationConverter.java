package org.backpack4j.dl4j.spi;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;

/**
 * Converts activation functions of one class. It has no state.
 *
 * @param <A> the class of the functions
 */
public interface ActivationConverter<A extends IActivation> {
  /**
   * Finds what cannot be converted.
   *
   * @param function the function
   * @param obstacles where to add what stands in the way
   */
  default void check(A function, Obstacles obstacles) {}

  /**
   * Emits the function.
   *
   * @param function the function
   * @param x its argument
   * @return its value, of the same shape
   */
  SDVariable convert(A function, SDVariable x);
}
