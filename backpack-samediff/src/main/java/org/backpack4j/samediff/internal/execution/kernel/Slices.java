package org.backpack4j.samediff.internal.execution.kernel;

import java.util.function.LongUnaryOperator;
import java.util.function.Supplier;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The same native op on one pair of parts of its inputs after the other. When one of the arrays is
 * another, only what belongs to that one is made anew.
 */
final class Slices implements Call {

  /**
   * What the calls take from an array.
   *
   * @param first the first element that call number i takes
   * @param shape how it sees the elements
   */
  record Part(LongUnaryOperator first, long... shape) {}

  private final DataType type;
  private final Call[] calls;
  private final Part[] parts;
  private final INDArray[][] arrays;
  private final long[] addresses = new long[3];

  /**
   * A call for each slice.
   *
   * @param type of the three arrays
   * @param count how many calls there are
   * @param op makes the call of one slice
   * @param left what the calls take from the first input
   * @param right what they take from the second input
   * @param output what they write of the output
   */
  Slices(DataType type, long count, Supplier<Call> op, Part left, Part right, Part output) {
    this.type = type;
    this.calls = new Call[Math.toIntExact(count)];
    for (int i = 0; i < calls.length; i++) {
      calls[i] = op.get();
    }
    this.parts = new Part[] {left, right, output};
    this.arrays = new INDArray[3][calls.length];
  }

  @Override
  public void bind(INDArray[] inputs, INDArray[] outputs) {
    see(0, Native.address(inputs[0]));
    see(1, Native.address(inputs[1]));
    see(2, Native.address(outputs[0]));
    for (int i = 0; i < calls.length; i++) {
      Native.bound(calls[i], arrays[0][i], arrays[1][i], arrays[2][i]);
    }
  }

  private void see(int which, long address) {
    if (addresses[which] == address) {
      return;
    }
    addresses[which] = address;
    for (int i = 0; i < calls.length; i++) {
      Part part = parts[which];
      arrays[which][i] = Native.part(address, part.first.applyAsLong(i), type, part.shape);
    }
  }

  @Override
  public void run() {
    for (Call call : calls) {
      call.run();
    }
  }
}
