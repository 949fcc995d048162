package org.backpack4j.dl4j.spi;

import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Converts activation functions of one class for which DL4J draws random numbers in training. These
 * are fed. {@link #convert(IActivation, SDVariable)} emits what the function is in evaluation mode.
 *
 * @param <A> the class of the functions
 */
public interface RandomActivationConverter<A extends IActivation> extends ActivationConverter<A> {
  /**
   * What DL4J drew in the forward pass that it has just made, in the shape of the function's
   * argument.
   *
   * @param function the function
   * @return DL4J's own array; null if it drew nothing
   */
  @Nullable INDArray drawn(A function);

  /**
   * Emits the function as it is in training.
   *
   * @param function the function
   * @param x its argument
   * @param drawn what DL4J drew, of the same shape
   * @return its value, of the same shape
   */
  SDVariable convert(A function, SDVariable x, SDVariable drawn);
}
