package org.backpack4j.dl4j.spi;

import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Converts what changes a layer's input at random, of one class. It has no state. The random
 * numbers are fed: those that DL4J drew in the iteration, which it keeps from the forward pass to
 * the backward pass of the layer.
 *
 * @param <D> the class
 */
@FunctionalInterface
public interface DropoutConverter<D extends IDropout> {
  /**
   * Finds what cannot be converted.
   *
   * @param conf the dropout
   * @param obstacles where to add what stands in the way
   */
  default void check(D conf, Obstacles obstacles) {}

  /**
   * What DL4J drew in the forward pass that it has just made.
   *
   * @param conf the dropout
   * @return DL4J's own array; null if it drew nothing, as in layers that leave dropout out, or does
   *     not keep it
   */
  @Nullable INDArray noise(D conf);

  /**
   * Whether it adds what it draws, and DL4J keeps the sum alone.
   *
   * @return whether {@link #noise} has none
   */
  default boolean adds() {
    return false;
  }

  /**
   * What DL4J drew, by a layer's input before and after the change: where it keeps the changed
   * input alone, as an output layer does until its backward pass has been made.
   *
   * @param conf the dropout
   * @param before the input as the graph has it
   * @param after the input as DL4J has it
   * @return the noise, NaN where it cannot be told since the input is 0; null if it cannot be found
   *     out that way at all
   */
  default @Nullable INDArray noise(D conf, INDArray before, INDArray after) {
    return null;
  }

  /**
   * Whether {@link #noise(IDropout, INDArray, INDArray)} answers.
   *
   * @return whether the noise can be found out by the changed input
   */
  default boolean found() {
    return false;
  }

  /**
   * Whether it may change rows [N, F], as those of an output layer's steps.
   *
   * @return whether DL4J takes it there
   */
  default boolean rows() {
    return true;
  }

  /**
   * The shape of what it draws.
   *
   * @param x what is changed
   * @return the shape, −1 where the samples are; that of x if nothing else is said
   */
  default long[] shape(LayerOutput x) {
    return x.shape();
  }

  /**
   * Emits the change: a product, if nothing else is said.
   *
   * @param conf the dropout
   * @param x what is changed
   * @param noise what DL4J drew
   * @return the changed value, of x's shape
   */
  default SDVariable apply(D conf, LayerOutput x, SDVariable noise) {
    return x.variable().mul(noise);
  }
}
