package org.backpack4j.samediff.internal.execution.kernel;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Objects;
import org.backpack4j.samediff.internal.execution.plan.ArenaPacking;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.CompositeCall;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The variance of outer products L[n, a] R[n, b] over n, in single precision, from L [N, A], R [N,
 * B] and Σₙ L R [A, B].
 *
 * <p>Sums of squares by a matrix product in single precision, which takes a quarter of one in
 * double, are good where the variance is not much smaller than the mean of squares: their rounding
 * is estimated, and rows in which it may be more than {@link #TOLERANCE} of a variance are made
 * again in double precision.
 *
 * @param samples N
 * @param rows A
 * @param columns B
 */
record OuterVariance(int samples, int rows, int columns) implements Kernel {
  /** The relative error that single precision may have. */
  private static final double TOLERANCE = 1e-3;

  /** Below it, a square has lost digits. */
  private static final float TINY = 1e-30f;

  /** Numbers in a block of rows. */
  private static final long BLOCK = 1L << 18;

  /** Numbers that are worked on at once. */
  private static final int PIECE = 1 << 12;

  /** A Java array or buffer holds no more. */
  private static final long MOST = 1L << 27;

  /**
   * The kernel for L, R and their sum.
   *
   * @return null if the shapes or types are others
   */
  static @Nullable Kernel of(List<Value> inputs, Value output) {
    if (inputs.size() != 3 || output.type != DataType.FLOAT) {
      return null;
    }
    long[] l = inputs.get(0).shape();
    long[] r = inputs.get(1).shape();
    boolean fit =
        inputs.stream().allMatch(v -> v.type == DataType.FLOAT && v.length() < MOST)
            && l.length == 2
            && r.length == 2
            && l[0] == r[0]
            && output.length() < MOST
            && output.length() == l[1] * r[1]
            && inputs.get(2).length() == output.length();
    return fit ? new OuterVariance((int) l[0], (int) l[1], (int) r[1]) : null;
  }

  private int height() {
    return (int) Math.max(1, Math.min(rows, BLOCK / columns));
  }

  private long floatBytes(long count) {
    return ArenaPacking.align(count * Float.BYTES);
  }

  private long doubleBytes(long count) {
    return ArenaPacking.align(count * Double.BYTES);
  }

  private long right() {
    return (long) samples * columns;
  }

  private long left() {
    return (long) samples * height();
  }

  private long block() {
    return (long) height() * columns;
  }

  @Override
  public long scratchBytes() {
    return floatBytes(right())
        + floatBytes(left())
        + floatBytes(block())
        + 2 * doubleBytes(right())
        + 2 * doubleBytes(left())
        + 2 * doubleBytes(block());
  }

  @Override
  public Call call(long scratch) {
    return new Blocks(scratch);
  }

  /** What is estimated of the rounding of sums in single precision, relative to their terms'. */
  private double leastShare() {
    return (4 + Math.sqrt(samples)) * 0x1p-24 / TOLERANCE;
  }

  /** Block of rows by block of rows. */
  private final class Blocks extends CompositeCall {
    private final long squares;
    private final long leftSquares;
    private final long sums;
    private final long exact;
    private final float[] turned = new float[samples * height()];
    private final float[] row = new float[Math.max(height(), columns)];
    private @Nullable FloatBuffer left;
    private @Nullable FloatBuffer right;
    private boolean rightIsExact;

    Blocks(long scratch) {
      this.squares = scratch;
      this.leftSquares = squares + floatBytes(right());
      this.sums = leftSquares + floatBytes(left());
      this.exact = sums + floatBytes(block());
    }

    @Override
    public void make(INDArray[] in, INDArray output, List<Call> calls) {
      left = floats(Native.address(in[0]), (long) samples * rows);
      right = floats(Native.address(in[1]), right());
      calls.add(step(() -> rightIsExact = false));
      INDArray x = Native.part(Native.address(in[1]), 0, DataType.FLOAT, samples, columns);
      INDArray x2 = Native.part(squares, 0, DataType.FLOAT, samples, columns);
      calls.add(Native.bound(Native.elementwise("multiply"), x, x, x2));
      for (int row = 0; row < rows; row += height()) {
        int high = Math.min(height(), rows - row);
        int first = row;
        INDArray t2 = Native.part(sums, 0, DataType.FLOAT, high, columns);
        if (high == rows) {
          INDArray s = Native.part(Native.address(in[0]), 0, DataType.FLOAT, samples, rows);
          INDArray s2 = Native.part(leftSquares, 0, DataType.FLOAT, samples, rows);
          calls.add(Native.bound(Native.elementwise("multiply"), s, s, s2));
          calls.add(Native.bound(Native.matmul(true, false, 0), s2, x2, t2));
        } else {
          calls.add(step(() -> turnedSquares(first, high)));
          INDArray s2 = Native.part(leftSquares, 0, DataType.FLOAT, high, samples);
          calls.add(Native.bound(Native.matmul(false, false, 0), s2, x2, t2));
        }
        long offset = (long) row * columns * Float.BYTES;
        Spread spread =
            new Spread(
                this, first, high, Native.address(in[2]) + offset, Native.address(output) + offset);
        calls.add(spread);
        calls.add(step(spread::again));
      }
    }

    private void turnedSquares(int first, int high) {
      turn(first, high);
      for (int i = 0; i < high * samples; i++) {
        turned[i] *= turned[i];
      }
      floats(leftSquares, (long) high * samples).put(0, turned, 0, high * samples);
    }

    /** Some columns of L as rows. */
    private void turn(int first, int high) {
      FloatBuffer from = Objects.requireNonNull(left);
      for (int n = 0; n < samples; n++) {
        from.get(n * rows + first, row, 0, high);
        for (int a = 0; a < high; a++) {
          turned[a * samples + n] = row[a];
        }
      }
    }

    /** R and its squares in double precision, once a run. */
    private void rightExactly(long same, long theirSquares) {
      if (!rightIsExact) {
        FloatBuffer from = Objects.requireNonNull(right);
        for (int n = 0; n < samples; n++) {
          from.get(n * columns, row, 0, columns);
          long offset = (long) n * columns * Double.BYTES;
          exactly(row, 0, columns, same + offset, theirSquares + offset);
        }
        rightIsExact = true;
      }
    }

    /** Columns of L, as rows, and their squares in double precision. */
    private void leftExactly(int first, int high, long same, long theirSquares) {
      turn(first, high);
      for (int a = 0; a < high; a++) {
        long offset = (long) a * samples * Double.BYTES;
        exactly(turned, a * samples, samples, same + offset, theirSquares + offset);
      }
    }
  }

  /** The variances of a block of rows. */
  private final class Spread extends PerPlaneKernel<float[][]> {
    private final Blocks blocks;
    private final int firstRow;
    private final int high;
    private final FloatBuffer sums;
    private final FloatBuffer squares;
    private final FloatBuffer out;
    private volatile boolean doubtful;

    Spread(Blocks blocks, int firstRow, int high, long sums, long out) {
      super(((long) high * columns + PIECE - 1) / PIECE, PIECE, () -> new float[2][PIECE]);
      this.blocks = blocks;
      this.firstRow = firstRow;
      this.high = high;
      this.sums = floats(sums, (long) high * columns);
      this.squares = floats(blocks.sums, (long) high * columns);
      this.out = floats(out, (long) high * columns);
    }

    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      throw new UnsupportedOperationException();
    }

    @Override
    void work(float[][] worker, long piece) {
      float[] s = worker[0];
      float[] q = worker[1];
      int from = (int) piece * PIECE;
      int count = Math.min(PIECE, high * columns - from);
      sums.get(from, s, 0, count);
      squares.get(from, q, 0, count);
      if (spread(s, q, 1f / samples, (float) leastShare(), count)) {
        doubtful = true;
      }
      out.put(from, q, 0, count);
    }

    /** The same from sums in double precision, if there is any doubt. */
    void again() {
      if (!doubtful) {
        return;
      }
      doubtful = false;
      long[] at = {
        blocks.exact,
        blocks.exact + doubleBytes(right()),
        blocks.exact + 2 * doubleBytes(right()),
        blocks.exact + 2 * doubleBytes(right()) + doubleBytes(left()),
        blocks.exact + 2 * (doubleBytes(right()) + doubleBytes(left())),
        blocks.exact + 2 * (doubleBytes(right()) + doubleBytes(left())) + doubleBytes(block())
      };
      blocks.rightExactly(at[0], at[1]);
      blocks.leftExactly(firstRow, high, at[2], at[3]);
      for (int k = 0; k < 2; k++) {
        INDArray l = Native.part(at[2 + k], 0, DataType.DOUBLE, high, samples);
        INDArray r = Native.part(at[k], 0, DataType.DOUBLE, samples, columns);
        INDArray product = Native.part(at[4 + k], 0, DataType.DOUBLE, high, columns);
        Native.bound(Native.matmul(false, false, 0), l, r, product).run();
      }
      DoubleBuffer exactSums = doubles(at[4], (long) high * columns);
      DoubleBuffer exactSquares = doubles(at[5], (long) high * columns);
      double share = samples > 1 ? 1.0 / samples : 0;
      for (int i = 0; i < high * columns; i++) {
        double mean = exactSums.get(i) * share;
        out.put(i, (float) Math.max(0, exactSquares.get(i) * share - mean * mean));
      }
    }
  }

  /**
   * Puts the variances in the place of the sums of squares.
   *
   * @return whether one of them may be rounding, or a square is out of single precision's range
   */
  private static boolean spread(float[] sums, float[] squares, float share, float least, int n) {
    int doubts = 0;
    for (int i = 0; i < n; i++) {
      float mean = sums[i] * share;
      float square = squares[i] * share;
      float difference = square - mean * mean;
      boolean good = difference >= least * square && (square >= TINY || sums[i] == 0);
      doubts += good ? 0 : 1;
      squares[i] = Math.max(0, difference);
    }
    return doubts > 0;
  }

  /** Some numbers and their squares in double precision. */
  private static void exactly(float[] numbers, int first, int count, long same, long squares) {
    DoubleBuffer s = doubles(same, count);
    DoubleBuffer q = doubles(squares, count);
    for (int i = 0; i < count; i++) {
      double x = numbers[first + i];
      s.put(i, x);
      q.put(i, x * x);
    }
  }

  private static FloatBuffer floats(long address, long count) {
    return new FloatPointer(new PagedPointer(address)).capacity(count).asBuffer();
  }

  private static DoubleBuffer doubles(long address, long count) {
    return new DoublePointer(new PagedPointer(address)).capacity(count).asBuffer();
  }

  private static Call step(Runnable run) {
    return new Call() {
      @Override
      public void bind(INDArray[] inputs, INDArray[] outputs) {
        throw new UnsupportedOperationException();
      }

      @Override
      public void run() {
        run.run();
      }
    };
  }
}
