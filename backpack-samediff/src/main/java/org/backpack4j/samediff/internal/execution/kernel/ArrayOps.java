package org.backpack4j.samediff.internal.execution.kernel;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;

/**
 * Work on numbers in Java arrays, which the compiler turns into vector instructions where it does
 * not for native memory. Kernels take a piece that fits into the cache from native memory, and put
 * the outcome back.
 *
 * @param <A> float[] or double[]
 */
interface ArrayOps<A> {
  /** For single precision. */
  ArrayOps<float[]> FLOATS = new Floats();

  /** For double precision. */
  ArrayOps<double[]> DOUBLES = new Doubles();

  /** A new array. */
  A make(int length);

  /** Native memory as a sequence of pieces of the same length. */
  Pieces<A> pieces(long address, long count, int length);

  /** Sets a range to zero. */
  void zero(A array, int start, int end);

  /** Copies every {@code stride}-th number to places one beside the other. */
  void copy(A source, int first, int stride, A target, int position, int count);

  /**
   * Takes as many numbers of the source as there are places, each from its place: minus infinity as
   * the least finite number.
   */
  void gather(A source, A target, A places, int count);

  /** Adds each of the first {@code count} numbers to the place in the target that it has. */
  void scatter(A source, A target, A places, int count);

  /**
   * Pieces of native memory.
   *
   * @param <A> float[] or double[]
   */
  interface Pieces<A> {
    /** A Java buffer holds no more bytes than an int can count. */
    long MOST_BYTES = 1L << 30;

    /** Copies piece number {@code index} to the beginning of an array. */
    void read(long index, A array);

    /** Copies the numbers from {@code first} on to piece number {@code index}. */
    void write(A array, int first, long index);
  }

  /** Single precision. */
  final class Floats implements ArrayOps<float[]> {
    @Override
    public float[] make(int length) {
      return new float[length];
    }

    @Override
    public Pieces<float[]> pieces(long address, long count, int length) {
      long each = Math.max(1, Math.min(count, Pieces.MOST_BYTES / Float.BYTES / length));
      FloatBuffer[] buffers = new FloatBuffer[Math.toIntExact((count + each - 1) / each)];
      for (int i = 0; i < buffers.length; i++) {
        long first = i * each;
        PagedPointer start = new PagedPointer(address + first * length * Float.BYTES);
        buffers[i] =
            new FloatPointer(start).capacity(Math.min(each, count - first) * length).asBuffer();
      }
      return new Pieces<>() {
        @Override
        public void read(long index, float[] array) {
          buffers[(int) (index / each)].get((int) (index % each) * length, array, 0, length);
        }

        @Override
        public void write(float[] array, int first, long index) {
          buffers[(int) (index / each)].put((int) (index % each) * length, array, first, length);
        }
      };
    }

    @Override
    public void zero(float[] array, int start, int end) {
      if (end > start) {
        Arrays.fill(array, start, end, 0f);
      }
    }

    @Override
    public void copy(float[] source, int first, int stride, float[] target, int position, int n) {
      if (n > 0 && stride == 1) {
        System.arraycopy(source, first, target, position, n);
        return;
      }
      for (int i = 0; i < n; i++) {
        target[position + i] = source[first + i * stride];
      }
    }

    @Override
    public void gather(float[] source, float[] target, float[] places, int count) {
      for (int i = 0; i < count; i++) {
        target[i] = Math.max(-Float.MAX_VALUE, source[(int) places[i]]);
      }
    }

    @Override
    public void scatter(float[] source, float[] target, float[] places, int count) {
      for (int i = 0; i < count; i++) {
        target[(int) places[i]] += source[i];
      }
    }
  }

  /** Double precision. */
  final class Doubles implements ArrayOps<double[]> {
    @Override
    public double[] make(int length) {
      return new double[length];
    }

    @Override
    public Pieces<double[]> pieces(long address, long count, int length) {
      long each = Math.max(1, Math.min(count, Pieces.MOST_BYTES / Double.BYTES / length));
      DoubleBuffer[] buffers = new DoubleBuffer[Math.toIntExact((count + each - 1) / each)];
      for (int i = 0; i < buffers.length; i++) {
        long first = i * each;
        PagedPointer start = new PagedPointer(address + first * length * Double.BYTES);
        buffers[i] =
            new DoublePointer(start).capacity(Math.min(each, count - first) * length).asBuffer();
      }
      return new Pieces<>() {
        @Override
        public void read(long index, double[] array) {
          buffers[(int) (index / each)].get((int) (index % each) * length, array, 0, length);
        }

        @Override
        public void write(double[] array, int first, long index) {
          buffers[(int) (index / each)].put((int) (index % each) * length, array, first, length);
        }
      };
    }

    @Override
    public void zero(double[] array, int start, int end) {
      if (end > start) {
        Arrays.fill(array, start, end, 0);
      }
    }

    @Override
    public void copy(double[] source, int first, int stride, double[] target, int position, int n) {
      if (n > 0 && stride == 1) {
        System.arraycopy(source, first, target, position, n);
        return;
      }
      for (int i = 0; i < n; i++) {
        target[position + i] = source[first + i * stride];
      }
    }

    @Override
    public void gather(double[] source, double[] target, double[] places, int count) {
      for (int i = 0; i < count; i++) {
        target[i] = Math.max(-Double.MAX_VALUE, source[(int) places[i]]);
      }
    }

    @Override
    public void scatter(double[] source, double[] target, double[] places, int count) {
      for (int i = 0; i < count; i++) {
        target[(int) places[i]] += source[i];
      }
    }
  }
}
