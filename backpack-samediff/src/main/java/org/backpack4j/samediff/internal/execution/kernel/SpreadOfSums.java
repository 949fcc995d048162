package org.backpack4j.samediff.internal.execution.kernel;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Objects;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The variance max(0, Σg²/N − (Σg/N)²) in one pass, from Σg and Σg² in double precision, one behind
 * the other in one array or in two, and N; zero where N is one.
 *
 * @param type single or double precision, of the result
 * @param length how many numbers
 * @param apart whether the sums are two arrays
 */
record SpreadOfSums(DataType type, long length, boolean apart) implements Kernel {
  private static final int PIECE = 1 << 12;

  /** A Java buffer holds no more bytes than an int can count. */
  private static final long MOST = 1L << 27;

  /**
   * The kernel for the sums and the number of samples.
   *
   * @return null if the shapes or types are others
   */
  static @Nullable Kernel of(List<Value> inputs, Value output) {
    int last = inputs.size() - 1;
    long sums = inputs.subList(0, last).stream().mapToLong(Value::length).sum();
    boolean fit =
        (last == 1 || last == 2)
            && output.length() <= MOST
            && sums == 2 * output.length()
            && inputs.get(0).length() == sums / last
            && inputs.get(last).length() == 1
            && inputs.stream().allMatch(v -> v.type == DataType.DOUBLE)
            && (output.type == DataType.FLOAT || output.type == DataType.DOUBLE);
    return fit ? new SpreadOfSums(output.type, output.length(), last == 2) : null;
  }

  @Override
  public Call call(long scratch) {
    return new Pass();
  }

  private final class Pass extends PerPlaneKernel<double[][]> {
    private @Nullable DoubleBuffer sums;
    private @Nullable DoubleBuffer squares;
    private @Nullable DoubleBuffer doubles;
    private @Nullable FloatBuffer floats;
    private @Nullable INDArray samples;

    Pass() {
      super((length + PIECE - 1) / PIECE, PIECE, () -> new double[2][PIECE]);
    }

    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      long first = Native.address(inputs[0]);
      sums = doubles(first);
      squares = doubles(apart ? Native.address(inputs[1]) : first + length * Double.BYTES);
      samples = inputs[inputs.length - 1];
      long out = Native.address(outputs[0]);
      if (type == DataType.DOUBLE) {
        doubles = doubles(out);
      } else {
        floats = new FloatPointer(new PagedPointer(out)).capacity(length).asBuffer();
      }
    }

    private DoubleBuffer doubles(long address) {
      return new DoublePointer(new PagedPointer(address)).capacity(length).asBuffer();
    }

    @Override
    void work(double[][] worker, long piece) {
      double[] s = worker[0];
      double[] q = worker[1];
      int from = (int) piece * PIECE;
      int count = (int) Math.min(PIECE, length - from);
      Objects.requireNonNull(sums).get(from, s, 0, count);
      Objects.requireNonNull(squares).get(from, q, 0, count);
      double n = Objects.requireNonNull(samples).getDouble(0);
      spread(s, q, n > 1 ? 1 / n : 0, count);
      if (doubles != null) {
        doubles.put(from, q, 0, count);
      }
      if (floats != null) {
        for (int i = 0; i < count; i++) {
          floats.put(from + i, (float) q[i]);
        }
      }
    }
  }

  /** The variance in the place of the squares; NaN stays NaN. */
  private static void spread(double[] sums, double[] squares, double share, int count) {
    for (int i = 0; i < count; i++) {
      double mean = sums[i] * share;
      squares[i] = Math.max(0, squares[i] * share - mean * mean);
    }
  }
}
