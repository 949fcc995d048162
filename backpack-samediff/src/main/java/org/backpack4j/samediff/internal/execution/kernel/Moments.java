package org.backpack4j.samediff.internal.execution.kernel;

import java.util.List;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.CompositeCall;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Σₙ G[n] and Σₙ G[n]² [2, …] in double precision, of G [N, …] in single or double.
 *
 * @param type that of G
 * @param samples N
 * @param length the numbers of one sample
 */
record Moments(DataType type, long samples, long length) implements Kernel {
  /** A Java buffer holds no more bytes than an int can count. */
  private static final long MOST = 1L << 27;

  /**
   * The kernel for G.
   *
   * @return null if the shapes or types are others
   */
  static @Nullable Kernel of(List<Value> inputs, Value output) {
    if (inputs.size() != 1 || output.type != DataType.DOUBLE) {
      return null;
    }
    Value g = inputs.get(0);
    boolean real = g.type == DataType.FLOAT || g.type == DataType.DOUBLE;
    boolean fit = real && g.length() < MOST && 2 * g.length() == output.length() * g.shape()[0];
    return fit ? new Moments(g.type, g.shape()[0], output.length() / 2) : null;
  }

  @Override
  public Call call(long scratch) {
    List<MomentSums.Worker> workers = MomentSums.workers();
    return new CompositeCall() {
      @Override
      public void make(INDArray[] in, INDArray output, List<Call> calls) {
        long sums = Native.address(output);
        long squares = sums + length * Double.BYTES;
        MomentSums.Block g =
            new MomentSums.Block(Native.address(in[0]), samples, Math.toIntExact(length));
        calls.add(new MomentSums(type, g, sums, squares, true, workers));
      }
    };
  }
}
