package org.backpack4j.samediff.internal.execution.kernel;

import java.util.List;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** Which kernel there is for what. */
public final class Kernels {
  private Kernels() {}

  /** The kernel that is faster than a native op on given shapes, or null. */
  public static @Nullable Kernel instead(
      DifferentialFunction op, List<Value> inputs, List<Value> outputs) {
    if (outputs.size() != 1 || inputs.isEmpty() || !isReal(outputs.get(0))) {
      return null;
    }
    Value output = outputs.get(0);
    if (op instanceof BaseReduceOp reduce) {
      return ReduceByGemm.of(reduce, inputs, output);
    }
    return switch (op.opName()) {
      case "add", "divide", "multiply", "subtract" ->
          SlicedBroadcast.of((DynamicCustomOp) op, inputs, output);
      case "concat" -> {
        Kernel blocks = Concat.of((DynamicCustomOp) op, inputs, output);
        yield blocks != null ? blocks : Interleave.of((DynamicCustomOp) op, inputs, output);
      }
      case "im2col" -> Im2col.ofNative((DynamicCustomOp) op, inputs, output);
      case "matmul" -> BatchedGemm.of((DynamicCustomOp) op, inputs, output);
      case "maxpool2d" -> MaxPool.ofNative((DynamicCustomOp) op, inputs, output);
      case "square" -> inputs.get(0).type == output.type ? new Square() : null;
      default -> null;
    };
  }

  /** The kernel of a name for given shapes; null if there is none, or it does not know them. */
  public static @Nullable Kernel named(
      String name, List<Value> inputs, Value output, long[] arguments) {
    if (!isReal(output) || inputs.stream().anyMatch(Value::isEmpty)) {
      return null;
    }
    return switch (name) {
      case "moments" -> Moments.of(inputs, output);
      case "outer_moments" -> OuterMoments.of(inputs, output);
      case "outer_variance" -> OuterVariance.of(inputs, output);
      case "variance" -> SpreadOfSums.of(inputs, output);
      default ->
          inputs.stream().allMatch(v -> v.type == output.type)
              ? ofOneType(name, inputs, output, arguments)
              : null;
    };
  }

  private static @Nullable Kernel ofOneType(
      String name, List<Value> inputs, Value output, long[] arguments) {
    return switch (name) {
      case "max_pool" -> MaxPoolGather.of(inputs, output);
      case "max_pool_backward" -> MaxPoolBackward.of(inputs, output);
      case "max_pool_places" -> MaxPoolIndices.of(inputs, output, arguments);
      case "outer_squared_sum" -> OuterSquaredSum.of(inputs, output);
      case "unfold" -> Im2col.of(inputs, output, arguments);
      default -> null;
    };
  }

  private static boolean isReal(Value value) {
    return (value.type == DataType.FLOAT || value.type == DataType.DOUBLE) && !value.isEmpty();
  }
}
