package org.backpack4j.samediff.execution;

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
interface Heap<A> {
  /** For single precision. */
  Heap<float[]> FLOATS = new Floats();

  /** For double precision. */
  Heap<double[]> DOUBLES = new Doubles();

  /** A new array. */
  A make(int length);

  /** Takes the first numbers of an array from native memory. */
  void read(long address, A array, int count);

  /** Puts the first numbers of an array into native memory. */
  void write(A array, int count, long address);

  /** Sets a range to zero. */
  void zero(A array, int start, int end);

  /** Copies every {@code stride}-th number to places one beside the other. */
  void copy(A source, int first, int stride, A target, int position, int count);

  /**
   * Adds each of the first {@code count} numbers from {@code first} on to the place in the target
   * that {@code places} has for it.
   */
  void scatter(A source, int first, A target, int[] places, int firstPlace, int count);

  /** Where the largest of some numbers is: the first of them, if there are several. */
  int largest(A array, int[] places, int from, int to);

  /** Single precision. */
  final class Floats implements Heap<float[]> {
    @Override
    public float[] make(int length) {
      return new float[length];
    }

    @Override
    public void read(long address, float[] array, int count) {
      new FloatPointer(new PagedPointer(address)).capacity(count).get(array, 0, count);
    }

    @Override
    public void write(float[] array, int count, long address) {
      new FloatPointer(new PagedPointer(address)).capacity(count).put(array, 0, count);
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
    public void scatter(
        float[] source, int first, float[] target, int[] places, int firstPlace, int count) {
      for (int i = 0; i < count; i++) {
        target[places[firstPlace + i]] += source[first + i];
      }
    }

    @Override
    public int largest(float[] array, int[] places, int from, int to) {
      int best = places[from];
      for (int i = from + 1; i < to; i++) {
        if (array[places[i]] > array[best]) {
          best = places[i];
        }
      }
      return best;
    }
  }

  /** Double precision. */
  final class Doubles implements Heap<double[]> {
    @Override
    public double[] make(int length) {
      return new double[length];
    }

    @Override
    public void read(long address, double[] array, int count) {
      new DoublePointer(new PagedPointer(address)).capacity(count).get(array, 0, count);
    }

    @Override
    public void write(double[] array, int count, long address) {
      new DoublePointer(new PagedPointer(address)).capacity(count).put(array, 0, count);
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
    public void scatter(
        double[] source, int first, double[] target, int[] places, int firstPlace, int count) {
      for (int i = 0; i < count; i++) {
        target[places[firstPlace + i]] += source[first + i];
      }
    }

    @Override
    public int largest(double[] array, int[] places, int from, int to) {
      int best = places[from];
      for (int i = from + 1; i < to; i++) {
        if (array[places[i]] > array[best]) {
          best = places[i];
        }
      }
      return best;
    }
  }
}
