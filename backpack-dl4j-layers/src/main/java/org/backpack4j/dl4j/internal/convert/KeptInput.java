package org.backpack4j.dl4j.internal.convert;

import java.util.Set;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A layer's input of which DL4J keeps what its dropout has made of it, not what was drawn.
 *
 * @param where the layer
 * @param input the variable that is the input before
 * @param noise what was drawn, by the input before and after; NaN where it cannot be told
 * @param zeros whether it matters what becomes of an input of 0: it doesn't where it is a ReLU's,
 *     whose derivative is 0 there too, or the network's
 */
public record KeptInput(String where, String input, BinaryOperator<INDArray> noise, boolean zeros) {
  private static final Set<String> DEAD_AT_ZERO = Set.of("relu", "relu6", "thresholdedrelu");

  private static final Set<String> PASSED =
      Set.of("avgpool2d", "maxpool2d", "permute", "reduce_max", "reshape");

  /**
   * What was drawn.
   *
   * @param before the input as the graph has it
   * @param after the input as DL4J has it
   * @return the noise
   * @throws IllegalStateException if it cannot be told of an input of 0 for which it matters
   */
  public INDArray drawn(INDArray before, INDArray after) {
    INDArray drawn = noise.apply(before, after.reshape(before.shape()));
    for (long k = 0; k < drawn.length(); k++) {
      if (Double.isNaN(drawn.getDouble(k)) && before.getDouble(k) == 0) {
        if (zeros) {
          throw new IllegalStateException(
              where
                  + ": its input has entries of exactly 0, of which it cannot be told whether its"
                  + " dropout kept them; put a DropoutLayer before it instead.");
        }
        drawn.putScalar(k, 0);
      }
    }
    return drawn;
  }

  /** Whether what an input of 0 is multiplied by makes a difference for parameters below. */
  static boolean zerosMatter(SDVariable input) {
    @Nullable DifferentialFunction op = input.getSameDiff().getVariableOutputOp(input.name());
    while (op != null && PASSED.contains(op.opName())) {
      SDVariable before = op.arg(0);
      op = before.getSameDiff().getVariableOutputOp(before.name());
    }
    return op != null && !DEAD_AT_ZERO.contains(op.opName());
  }
}
