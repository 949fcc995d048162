package org.backpack4j.samediff.internal.execution.plan;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Ops that compute nothing: their output is what lies in their input already, from some element on,
 * since every array of a plan is contiguous and in 'c' order.
 */
final class Views {
  /** The answer for an op that has to be computed. */
  static final long NONE = -1;

  private Views() {}

  /** Where output number {@code index} begins in the first input, in elements, or {@link #NONE}. */
  static long offset(SameDiffOp node, List<Value> inputs, List<Value> outputs, int index) {
    if (inputs.isEmpty()) {
      return NONE;
    }
    Value input = inputs.get(0);
    Value output = outputs.get(index);
    if (input.type != output.type || input.isEmpty() || output.isEmpty()) {
      return NONE;
    }
    DifferentialFunction op = node.getOp();
    boolean sameLength = input.length() == output.length();
    return switch (op.opName()) {
      case "identity", "stop_gradient", "expand_dims", "squeeze", "cast", "tile" ->
          sameLength ? 0 : NONE;
      case "reshape" -> sameLength && isRowMajor(op) ? 0 : NONE;
      case "concat", "stack" -> sameLength ? 0 : NONE;
      case "permute" -> sameLength && movesOnlyOnes(op, inputs) ? 0 : NONE;
      case "slice" -> slice(op, inputs, output);
      case "unstack" -> unstack(op, input, index);
      case "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum" ->
          sameLength ? 0 : NONE;
      default -> NONE;
    };
  }

  /** The first argument of a reshape may be an order, as a negative character. */
  private static boolean isRowMajor(DifferentialFunction op) {
    long[] arguments = ((DynamicCustomOp) op).iArgs();
    return arguments.length == 0 || arguments[0] == -'c' || arguments[0] >= -1;
  }

  private static boolean movesOnlyOnes(DifferentialFunction op, List<Value> inputs) {
    long[] axes = settings(op, inputs, 1, 0, inputs.get(0).shape().length);
    long[] shape = inputs.get(0).shape();
    if (axes == null) {
      return false;
    }
    long last = -1;
    for (long axis : axes) {
      long a = axis < 0 ? axis + shape.length : axis;
      if (shape[(int) a] != 1) {
        if (a < last) {
          return false;
        }
        last = a;
      }
    }
    return true;
  }

  private static long slice(DifferentialFunction op, List<Value> inputs, Value output) {
    long[] whole = inputs.get(0).shape();
    long[] begin = settings(op, inputs, 1, 0, whole.length);
    if (begin == null || whole.length != output.shape().length) {
      return NONE;
    }
    int axis = 0;
    while (axis < whole.length && output.shape()[axis] == 1) {
      axis++;
    }
    long offset = 0;
    long stride = 1;
    for (int i = whole.length - 1; i >= 0; i--) {
      if (i > axis && output.shape()[i] != whole[i]) {
        return NONE;
      }
      if (begin[i] < 0) {
        return NONE;
      }
      offset += begin[i] * stride;
      stride *= whole[i];
    }
    return offset;
  }

  private static long unstack(DifferentialFunction op, Value input, int index) {
    long[] arguments = ((DynamicCustomOp) op).iArgs();
    long axis = arguments.length == 0 ? 0 : arguments[0];
    return axis == 0 ? index * (input.length() / input.shape()[0]) : NONE;
  }

  /**
   * {@code count} integers: an input that is known, or else the op's arguments from {@code first}
   * on.
   */
  private static long @Nullable [] settings(
      DifferentialFunction op, List<Value> inputs, int input, int first, int count) {
    if (inputs.size() > input) {
      INDArray known = inputs.get(input).known;
      return known == null || known.length() != count ? null : known.toLongVector();
    }
    long[] arguments = ((DynamicCustomOp) op).iArgs();
    if (arguments.length < first + count) {
      return null;
    }
    long[] settings = new long[count];
    System.arraycopy(arguments, first, settings, 0, count);
    return settings;
  }
}
