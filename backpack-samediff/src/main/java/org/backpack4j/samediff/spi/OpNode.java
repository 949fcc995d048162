package org.backpack4j.samediff.spi;

import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An op of a graph as an {@link OpRule} sees it. F is the shape of one sample's part of a variable:
 * its shape without the sample axis, or its whole shape if it has none.
 */
public interface OpNode {
  /**
   * ND4J's op, for its arguments.
   *
   * @return the op, not to be changed
   */
  DifferentialFunction function();

  /**
   * Where ops are inserted.
   *
   * @return the emitter
   */
  Emitter emit();

  /**
   * The number of inputs.
   *
   * @return how many variables the op reads
   */
  int inputs();

  /**
   * The data type in which an input's values come.
   *
   * @param input which input
   * @return its type, single precision for half
   */
  DataType type(int input);

  /**
   * Whether an input has a part for each sample.
   *
   * @param input which input
   * @return false for parameters, constants and what is computed from them alone
   */
  boolean hasSamples(int input);

  /**
   * The shape of one sample's part of an input.
   *
   * @param input which input
   * @return F
   */
  Dims perSample(int input);

  /**
   * The shape of one sample's part of an output.
   *
   * @param output which output
   * @return F
   */
  Dims outputPerSample(int output);

  /**
   * The values of an input that is a constant.
   *
   * @param input which input
   * @return the array, not to be changed; null if the input is computed or fed
   */
  @Nullable INDArray constant(int input);

  /**
   * An input in the arrangement of cotangents.
   *
   * @param input which input
   * @return [N, 1, F…], or [1, 1, F…] for an input without a sample axis
   */
  Tensor value(int input);

  /**
   * An output in the arrangement of cotangents.
   *
   * @param output which output
   * @return [N, 1, F…], or [1, 1, F…] for an output without a sample axis
   */
  Tensor outputValue(int output);
}
