package org.backpack4j.dl4j.spi;

import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * Converts loss functions of one class. It has no state.
 *
 * @param <F> the class of the loss functions
 */
public interface LossConverter<F extends ILossFunction> {
  /**
   * Finds what cannot be converted.
   *
   * @param loss the loss function
   * @param activation the output layer's activation function
   * @param obstacles where to add what stands in the way
   */
  default void check(F loss, IActivation activation, Obstacles obstacles) {}

  /**
   * How many numbers the labels of a row are.
   *
   * @param loss the loss function
   * @param columns C, the number of the output layer's values in a row
   * @return C, but for losses with labels of another kind
   */
  default long labelColumns(F loss, long columns) {
    return columns;
  }

  /**
   * Emits the loss: the sum over all rows, in the scale of the context.
   *
   * @param loss the loss function
   * @param context labels, the output layer's values before and after the activation, weights
   */
  void convert(F loss, LossContext context);
}
