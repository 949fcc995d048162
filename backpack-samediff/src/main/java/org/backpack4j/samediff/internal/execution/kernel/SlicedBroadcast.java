package org.backpack4j.samediff.internal.execution.kernel;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.execution.plan.Extents;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * An elementwise op on [A, B, C] and [A, 1, C], such as a mask on all columns of a cotangent, row
 * by row: where one operand is repeated the native op is as fast, but takes as much memory again as
 * the result.
 *
 * @param name the op
 * @param type float or double
 * @param before A
 * @param repeated B
 * @param behind C
 * @param second whether the second operand is the one that is repeated
 */
record SlicedBroadcast(
    String name, DataType type, long before, long repeated, long behind, boolean second)
    implements Kernel {
  private static final Set<String> OPS = Set.of("add", "multiply", "subtract", "divide");
  private static final long FEWEST_ELEMENTS = 32 << 10;
  private static final long MOST_ROWS = 4096;

  /** The kernel for a native op, or null where it would not pay. */
  static @Nullable Kernel of(DynamicCustomOp op, List<Value> inputs, Value output) {
    if (!OPS.contains(op.opName()) || inputs.size() != 2) {
      return null;
    }
    for (int small = 0; small < 2; small++) {
      Value repeated = inputs.get(small);
      Value whole = inputs.get(1 - small);
      if (Arrays.equals(whole.shape(), output.shape())
          && whole.type == output.type
          && repeated.type == output.type) {
        SlicedBroadcast kernel =
            of(op.opName(), output.type, whole.shape(), repeated.shape(), small == 1);
        if (kernel != null && kernel.pays()) {
          return kernel;
        }
      }
    }
    return null;
  }

  private static @Nullable SlicedBroadcast of(
      String name, DataType type, long[] whole, long[] small, boolean second) {
    int rank = whole.length;
    if (small.length != rank) {
      return null;
    }
    int first = 0;
    while (first < rank && small[first] == whole[first]) {
      first++;
    }
    int end = rank;
    while (end > first && small[end - 1] == whole[end - 1]) {
      end--;
    }
    for (int axis = first; axis < end; axis++) {
      if (small[axis] != 1) {
        return null;
      }
    }
    return new SlicedBroadcast(
        name,
        type,
        Extents.product(whole, 0, first),
        Extents.product(whole, first, end),
        Extents.product(whole, end, rank),
        second);
  }

  private boolean pays() {
    return repeated > 1 && behind >= FEWEST_ELEMENTS && before * repeated <= MOST_ROWS;
  }

  @Override
  public boolean worksInPlace() {
    return true;
  }

  @Override
  public Call call(long scratch) {
    Slices.Part row = new Slices.Part(i -> i * behind, behind);
    Slices.Part same = new Slices.Part(i -> i / repeated * behind, behind);
    return new Slices(
        type,
        before * repeated,
        () -> Native.elementwise(name),
        second ? row : same,
        second ? same : row,
        row);
  }
}
