package org.backpack4j.samediff.internal.execution.kernel;

import java.util.Arrays;
import java.util.List;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Many arrays whose last axis is of length one, beside each other along it: they are copied one
 * behind the other, and the matrix is transposed. That takes half as long as the native {@code
 * concat} (49 steps of [32, 800, 1] in float: 5 against 10.6 ms).
 *
 * @param type float or double
 * @param rows how many entries an input has
 * @param columns how many inputs there are
 */
record Interleave(DataType type, long rows, long columns) implements Kernel {
  private static final long FEWEST = 16;
  private static final long FEWEST_ENTRIES = 1 << 15;

  /** The kernel for a native op, or null where it would not pay. */
  static @Nullable Kernel of(DynamicCustomOp op, List<Value> inputs, Value output) {
    long[] arguments = op.iArgs();
    boolean dynamic = op.numBArguments() > 0 && op.bArgs()[0];
    int rank = output.shape().length;
    if (arguments.length != 1 || dynamic || inputs.size() < FEWEST) {
      return null;
    }
    int axis = (int) (arguments[0] < 0 ? arguments[0] + rank : arguments[0]);
    boolean columns =
        axis == rank - 1
            && inputs.stream()
                .allMatch(
                    v ->
                        v.type == output.type
                            && v.shape().length == rank
                            && v.shape()[axis] == 1
                            && !v.isEmpty());
    long entries = Arrays.stream(output.shape()).reduce(1, (a, b) -> a * b);
    return columns && entries >= FEWEST_ENTRIES
        ? new Interleave(output.type, entries / inputs.size(), inputs.size())
        : null;
  }

  @Override
  public long scratchBytes() {
    return rows * columns * type.width();
  }

  @Override
  public Call call(long scratch) {
    INDArray behind = Native.part(scratch, 0, type, columns, rows);
    Call transpose = Native.transpose();
    return new Call() {
      private final Pointer[] from = new Pointer[Math.toIntExact(columns)];
      private final Pointer[] to = new Pointer[from.length];

      @Override
      public void bind(INDArray[] inputs, INDArray[] outputs) {
        for (int k = 0; k < from.length; k++) {
          from[k] = Native.pointer(Native.address(inputs[k]));
          to[k] = Native.pointer(scratch + k * rows * type.width());
        }
        INDArray output = Native.part(Native.address(outputs[0]), 0, type, rows, columns);
        transpose.bind(new INDArray[] {behind}, new INDArray[] {output});
      }

      @Override
      public void run() {
        for (int k = 0; k < from.length; k++) {
          Pointer.memcpy(to[k], from[k], rows * type.width());
        }
        transpose.run();
      }
    };
  }
}
