package org.backpack4j.samediff.internal.execution.kernel;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.internal.execution.plan.ArenaPacking;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.CompositeCall;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Σₙ G[n] and Σₙ G[n]² [2, A, B] in double precision, of G[n, a, b] = Σₚ L[n, a, p] R[n, b, p] in
 * single or double, of which only a block is ever in memory.
 *
 * @param type that of L and R
 * @param samples N
 * @param rows A
 * @param columns B
 * @param positions P
 */
record OuterMoments(DataType type, long samples, long rows, long columns, long positions)
    implements Kernel {
  /** Bytes of one block of products: they stay in the cache. */
  private static final long BLOCK = 4L << 20;

  /** So many products lie side by side in a block at least: each means to read and write sums. */
  private static final long DEPTH = 8;

  /**
   * The kernel for L [N, A, P] and R [N, B, P].
   *
   * @return null if the shapes or types are others
   */
  static @Nullable Kernel of(List<Value> inputs, Value output) {
    if (inputs.size() != 2 || output.type != DataType.DOUBLE) {
      return null;
    }
    long[] l = inputs.get(0).shape();
    long[] r = inputs.get(1).shape();
    DataType type = inputs.get(0).type;
    boolean fit =
        (type == DataType.FLOAT || type == DataType.DOUBLE)
            && inputs.get(1).type == type
            && l.length == 3
            && r.length == 3
            && l[0] == r[0]
            && l[2] == r[2]
            && output.length() == 2 * l[1] * r[1];
    return fit ? new OuterMoments(type, l[0], l[1], r[1], l[2]) : null;
  }

  private long depth() {
    return Math.min(samples, DEPTH);
  }

  /** Rows of G in a block. */
  private long height() {
    return Math.max(1, Math.min(rows, BLOCK / type.width() / depth() / columns));
  }

  private long together() {
    return Math.max(1, Math.min(samples, BLOCK / type.width() / height() / columns));
  }

  @Override
  public long scratchBytes() {
    return ArenaPacking.align(together() * height() * columns * type.width());
  }

  @Override
  public Call call(long scratch) {
    List<MomentSums.Worker> workers = MomentSums.workers();
    return new CompositeCall() {
      @Override
      public void make(INDArray[] in, INDArray output, List<Call> calls) {
        long out = Native.address(output);
        for (long row = 0; row < rows; row += height()) {
          long high = Math.min(height(), rows - row);
          for (long first = 0; first < samples; first += together()) {
            long count = Math.min(together(), samples - first);
            calls.addAll(products(in, row, high, first, count, scratch));
            long sums = out + row * columns * Double.BYTES;
            long squares = sums + rows * columns * Double.BYTES;
            calls.add(
                new MomentSums(
                    type,
                    new MomentSums.Block(scratch, count, Math.toIntExact(high * columns)),
                    sums,
                    squares,
                    first == 0,
                    workers));
          }
        }
      }
    };
  }

  private List<Call> products(
      INDArray[] in, long row, long high, long first, long count, long block) {
    List<Call> calls = new ArrayList<>();
    for (long n = first; n < first + count; n++) {
      INDArray left =
          Native.part(Native.address(in[0]), (n * rows + row) * positions, type, high, positions);
      INDArray right =
          Native.part(Native.address(in[1]), n * columns * positions, type, columns, positions);
      INDArray product = Native.part(block, (n - first) * high * columns, type, high, columns);
      calls.add(Native.bound(Native.matmul(false, true, 0), left, right, product));
    }
    return calls;
  }
}
