package org.backpack4j.samediff.internal.execution.kernel;

import java.util.Arrays;
import java.util.List;
import org.backpack4j.samediff.internal.execution.plan.Extents;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Arrays beside each other, copied block by block: five to ten times as fast as the native {@code
 * concat} (50 steps of [32, 800] in float: 1.3 against 13 ms).
 *
 * @param blocks how many blocks there are of each input: the product of the axes in front
 * @param bytes the bytes of a block of each input: the product of the other axes
 */
record Concat(long blocks, List<Long> bytes) implements Kernel {
  /** Shorter blocks cost more to set out for than to copy. */
  private static final long SHORTEST = 256;

  private static final long MOST_BLOCKS = 1 << 16;

  /** The kernel for a native op, or null where it would not pay. */
  static @Nullable Kernel of(DynamicCustomOp op, List<Value> inputs, Value output) {
    long[] arguments = op.iArgs();
    boolean dynamic = op.numBArguments() > 0 && op.bArgs()[0];
    if (arguments.length != 1 || dynamic) {
      return null;
    }
    int rank = output.shape().length;
    int axis = (int) (arguments[0] < 0 ? arguments[0] + rank : arguments[0]);
    if (inputs.stream()
        .anyMatch(v -> v.type != output.type || v.shape().length != rank || v.isEmpty())) {
      return null;
    }
    long before = Extents.product(output.shape(), 0, axis);
    List<Long> bytes =
        inputs.stream()
            .map(v -> Extents.product(v.shape(), axis, rank) * output.type.width())
            .toList();
    return bytes.stream().allMatch(b -> b >= SHORTEST) && before * inputs.size() <= MOST_BLOCKS
        ? new Concat(before, bytes)
        : null;
  }

  @Override
  public Call call(long scratch) {
    return new Call() {
      private final Pointer[] from = new Pointer[Math.toIntExact(blocks * bytes.size())];
      private final Pointer[] to = new Pointer[from.length];
      private final long[] seen = new long[bytes.size() + 1];

      @Override
      public void bind(INDArray[] inputs, INDArray[] outputs) {
        long[] addresses = new long[seen.length];
        for (int i = 0; i < inputs.length; i++) {
          addresses[i] = Native.address(inputs[i]);
        }
        addresses[inputs.length] = Native.address(outputs[0]);
        if (Arrays.equals(addresses, seen)) {
          return;
        }
        System.arraycopy(addresses, 0, seen, 0, seen.length);
        long there = addresses[inputs.length];
        int next = 0;
        for (long k = 0; k < blocks; k++) {
          for (int i = 0; i < inputs.length; i++) {
            from[next] = Native.pointer(addresses[i] + k * bytes.get(i));
            to[next++] = Native.pointer(there);
            there += bytes.get(i);
          }
        }
      }

      @Override
      public void run() {
        for (int k = 0; k < from.length; k++) {
          Pointer.memcpy(to[k], from[k], bytes.get(k % bytes.size()));
        }
      }
    };
  }
}
