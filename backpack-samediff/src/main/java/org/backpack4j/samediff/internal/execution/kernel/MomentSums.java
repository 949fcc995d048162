package org.backpack4j.samediff.internal.execution.kernel;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Adds up the rows of a block, and their squares, in double precision.
 *
 * <p>Of single precision some rows are taken together, as differences from the first of them: their
 * sums D and squares Q are made in single precision, which takes a fraction of the time, and Σx = D
 * + m c and Σx² = Q + 2 c D + m c² in double. What is rounded is as small as the rows differ.
 */
final class MomentSums implements Call {
  /** Numbers that are worked on at once: they stay in the innermost cache. */
  private static final int PIECE = 1 << 10;

  /** So many rows are taken together: the first may be far from the others. */
  private static final long TOGETHER = 32;

  /**
   * Numbers in memory.
   *
   * @param address where
   * @param count how many rows
   * @param length the numbers in a row
   */
  record Block(long address, long count, int length) {}

  private final Block block;
  private final boolean first;
  private final Adder adder;
  private final DoubleBuffer sums;
  private final DoubleBuffer squares;
  private final List<Worker> workers;

  /** Adds up what all rows have from a place on. */
  private interface Adder {
    void add(Worker worker, int from, int length);
  }

  /** What a thread has of its own. */
  static final class Worker {
    private final float[] row = new float[PIECE];
    private final float[] centre = new float[PIECE];
    private final float[] differences = new float[PIECE];
    private final float[] theirSquares = new float[PIECE];
    private final double[] numbers = new double[PIECE];
    private final double[] sums = new double[PIECE];
    private final double[] squares = new double[PIECE];
  }

  /**
   * Sums of a block.
   *
   * @param type single or double precision
   * @param block the block
   * @param sums where the sums are
   * @param squares where the sums of squares are
   * @param first whether they begin with this block
   * @param workers what the threads work in
   */
  MomentSums(
      DataType type, Block block, long sums, long squares, boolean first, List<Worker> workers) {
    this.block = block;
    this.first = first;
    this.adder = type == DataType.DOUBLE ? ofDoubles(block) : ofFloats(block);
    this.sums = doubles(sums, block.length);
    this.squares = doubles(squares, block.length);
    this.workers = workers;
  }

  /** What calls that run one after the other may share. */
  static List<Worker> workers() {
    return Stream.generate(Worker::new).limit(Parallel.THREADS).toList();
  }

  private static DoubleBuffer doubles(long address, long count) {
    return new DoublePointer(new PagedPointer(address)).capacity(count).asBuffer();
  }

  @Override
  public void bind(INDArray[] inputs, INDArray[] outputs) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void run() {
    Parallel.run(
        (block.length + PIECE - 1) / PIECE,
        Parallel.grain(PIECE * block.count),
        (number, from, to) -> {
          for (long piece = from; piece < to; piece++) {
            work(workers.get(number), Math.toIntExact(piece * PIECE));
          }
        });
  }

  private void work(Worker w, int from) {
    int length = Math.min(PIECE, block.length - from);
    if (first) {
      ArrayOps.DOUBLES.zero(w.sums, 0, length);
      ArrayOps.DOUBLES.zero(w.squares, 0, length);
    } else {
      sums.get(from, w.sums, 0, length);
      squares.get(from, w.squares, 0, length);
    }
    adder.add(w, from, length);
    sums.put(from, w.sums, 0, length);
    squares.put(from, w.squares, 0, length);
  }

  private static Adder ofDoubles(Block block) {
    DoubleBuffer buffer = doubles(block.address, block.count * block.length);
    return (w, from, length) -> {
      for (int row = 0; row < block.count; row++) {
        buffer.get(row * block.length + from, w.numbers, 0, length);
        add(w.numbers, w.sums, w.squares, length);
      }
    };
  }

  private static void add(double[] numbers, double[] sums, double[] squares, int length) {
    for (int i = 0; i < length; i++) {
      double x = numbers[i];
      sums[i] += x;
      squares[i] += x * x;
    }
  }

  private static Adder ofFloats(Block block) {
    FloatBuffer buffer =
        new FloatPointer(new PagedPointer(block.address))
            .capacity(block.count * block.length)
            .asBuffer();
    return (w, from, length) -> {
      for (long group = 0; group < block.count; group += TOGETHER) {
        long end = Math.min(block.count, group + TOGETHER);
        buffer.get((int) group * block.length + from, w.centre, 0, length);
        ArrayOps.FLOATS.zero(w.differences, 0, length);
        ArrayOps.FLOATS.zero(w.theirSquares, 0, length);
        for (int row = (int) group + 1; row < end; row++) {
          buffer.get(row * block.length + from, w.row, 0, length);
          difference(w.row, w.centre, w.differences, w.theirSquares, length);
        }
        together(w, end - group, length);
      }
    };
  }

  private static void difference(
      float[] row, float[] centre, float[] sums, float[] squares, int length) {
    for (int i = 0; i < length; i++) {
      float d = row[i] - centre[i];
      sums[i] += d;
      squares[i] += d * d;
    }
  }

  private static void together(Worker w, double count, int length) {
    for (int i = 0; i < length; i++) {
      double c = w.centre[i];
      double d = w.differences[i];
      w.sums[i] += d + count * c;
      w.squares[i] += w.theirSquares[i] + c * (2 * d + count * c);
    }
  }
}
