package org.backpack4j.dl4j.spi;

import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What the converter of a loss function sees: rows of labels and of values before and after the
 * output layer's activation function, each [N·R, C] with R rows for a sample. Labels have M columns
 * where they are not one for each value.
 */
public interface LossContext {
  /** One of SameDiff's reduced loss ops. */
  @FunctionalInterface
  interface Op {
    /**
     * Emits the op.
     *
     * @param sd the graph
     * @param name the loss variable's name
     * @param labels the labels
     * @param predictions the predictions
     * @param weights factors of the terms, broadcast to them
     * @param reduce how the terms are reduced
     * @return the loss
     */
    SDVariable emit(
        SameDiff sd,
        String name,
        SDVariable labels,
        SDVariable predictions,
        SDVariable weights,
        LossReduce reduce);
  }

  /**
   * The graph.
   *
   * @return the graph
   */
  SameDiff sd();

  /**
   * The activation function of the output layer.
   *
   * @return the function
   */
  IActivation activation();

  /**
   * The labels.
   *
   * @return rows
   */
  SDVariable labels();

  /**
   * The values before the activation function.
   *
   * @return rows [N·R, C]
   */
  SDVariable preOutput();

  /**
   * The values behind the activation function.
   *
   * @return rows [N·R, C]
   */
  SDVariable output();

  /**
   * The same loss as one of what goes into a softmax, for a loss that is a negative log-likelihood
   * behind one: where it is the layer's own activation function, or an earlier layer's.
   * Second-order quantities start there, as in BackPACK. A note is left where they cannot, or where
   * other layers read that function's answer as well.
   *
   * @return the loss with a softmax as its activation function; null if there is none
   */
  @Nullable LossContext ofSoftmax();

  /**
   * The same for a sigmoid.
   *
   * @return the loss with a sigmoid as its activation function; null if there is none
   */
  @Nullable LossContext ofSigmoid();

  /**
   * The same loss where a mask of single values is a factor of the labels.
   *
   * @return a context without a mask, or the same if the mask is one of rows
   */
  LossContext withMaskedLabels();

  /**
   * The number of values in a row.
   *
   * @return C
   */
  long columns();

  /**
   * A constant of the network's type.
   *
   * @param array the values
   * @return the variable
   */
  SDVariable constant(INDArray array);

  /**
   * A loss with one term for each row, the sum of all terms.
   *
   * @param op the op
   * @param labels the labels as the op wants them
   * @param predictions the predictions as the op wants them
   */
  void byRow(Op op, SDVariable labels, SDVariable predictions);

  /**
   * A loss with one term for each value, the weighted sum of all terms.
   *
   * @param op the op
   * @param labels the labels as the op wants them
   * @param predictions the predictions as the op wants them
   * @param factor a factor of all terms
   * @param weights a factor for each of the C columns, or null
   */
  void byValue(
      Op op, SDVariable labels, SDVariable predictions, double factor, @Nullable INDArray weights);

  /**
   * A loss that is written out of simple ops, the weighted sum of its terms.
   *
   * @param terms a term for each value, [N·R, C]
   * @param predictions what the terms are computed from: where second-order quantities start
   * @param factor a factor of all terms
   * @param weights a factor for each of the C columns, or null
   */
  void writtenOut(
      SDVariable terms, SDVariable predictions, double factor, @Nullable INDArray weights);

  /**
   * A loss that is written out of simple ops, the sum of its terms.
   *
   * @param terms a term for each row, [N·R]
   * @param predictions what the terms are computed from: where second-order quantities start
   */
  void writtenOutByRow(SDVariable terms, SDVariable predictions);

  /**
   * Adds terms that depend on labels alone, for the loss' value.
   *
   * @param terms a term for each value, [N·R, C]
   */
  void constant(SDVariable terms);

  /**
   * The same with other labels.
   *
   * @param rows labels [N·R, C]
   * @return another context
   */
  LossContext with(SDVariable rows);

  /**
   * Says that the loss cannot be converted.
   *
   * @param reason what is not supported
   * @param remedy what to do
   * @return an exception to throw
   */
  ConversionException refuse(String reason, String remedy);

  /**
   * The mask, for losses that take none or only masks of rows.
   *
   * @return whether there is one with a value for each of the C columns
   */
  boolean masksValues();
}
