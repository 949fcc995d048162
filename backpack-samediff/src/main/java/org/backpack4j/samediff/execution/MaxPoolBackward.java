package org.backpack4j.samediff.execution;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The way back through a maximum pooling, for any number of columns: X [N, C, H, W] and S [N, V, C,
 * oH, oW] to [N, V, C, H, W], each number of S added where the maximum of its window is, the first
 * if there are several.
 *
 * <p>Where the maxima are is found once for all columns. The native {@code maxpool2d_bp} finds it
 * for each column, and runs at a few per cent of the memory's rate.
 *
 * @param type float or double
 * @param samples N
 * @param columns V
 * @param channels C
 * @param h the windows' rows
 * @param w the windows' columns
 */
record MaxPoolBackward(
    DataType type, long samples, long columns, long channels, Unfold.Axis h, Unfold.Axis w)
    implements Kernel {

  /**
   * The kernel for X and S, in this order.
   *
   * @param arguments kH, kW, sH, sW, rows and columns of padding before the image, dH, dW
   * @return null if the shapes are others
   */
  static @Nullable Kernel of(List<Value> inputs, Value output, long[] arguments) {
    if (inputs.size() != 2 || arguments.length != 8) {
      return null;
    }
    long[] x = inputs.get(0).shape();
    long[] s = inputs.get(1).shape();
    if (x.length != 4 || s.length != 5 || s[0] != x[0] || s[2] != x[1]) {
      return null;
    }
    int[] a = Arrays.stream(arguments).mapToInt(Math::toIntExact).toArray();
    Unfold.Axis h = new Unfold.Axis((int) x[2], a[0], a[2], a[4], a[6], (int) s[3]);
    Unfold.Axis w = new Unfold.Axis((int) x[3], a[1], a[3], a[5], a[7], (int) s[4]);
    return output.length() == s[0] * s[1] * Extents.product(x, 1, 4)
        ? new MaxPoolBackward(output.type, s[0], s[1], s[2], h, w)
        : null;
  }

  @Override
  public Call call(long scratch) {
    return type == DataType.FLOAT
        ? new Planes<>(Heap.FLOATS, Maxima::ofFloats)
        : new Planes<>(Heap.DOUBLES, Maxima::ofDoubles);
  }

  /** Channel by channel; all columns of one before the next. */
  private final class Planes<A> implements Call {
    private final Heap<A> heap;
    private final int imageLength = h.in() * w.in();
    private final int windows = h.out() * w.out();
    private final List<Worker> workers = new ArrayList<>();
    private Heap.@Nullable Pieces<A> x;
    private Heap.@Nullable Pieces<A> s;
    private Heap.@Nullable Pieces<A> out;

    Planes(Heap<A> heap, BiFunction<Windows, Windows, Maxima<A>> maxima) {
      this.heap = heap;
      for (int worker = 0; worker < Parallel.THREADS; worker++) {
        workers.add(new Worker(maxima.apply(Windows.of(h), Windows.of(w))));
      }
    }

    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      long planes = samples * columns * channels;
      x = heap.pieces(Native.address(inputs[0]), samples * channels, imageLength);
      s = heap.pieces(Native.address(inputs[1]), planes, windows);
      out = heap.pieces(Native.address(outputs[0]), planes, imageLength);
    }

    @Override
    public void run() {
      long grain = Parallel.grain(imageLength * (1 + columns));
      Parallel.run(
          samples * channels, grain, (worker, first, end) -> workers.get(worker).run(first, end));
    }

    private final class Worker {
      private final Maxima<A> maxima;
      private final A image = heap.make(imageLength);
      private final A signal = heap.make(windows);
      private final A back = heap.make(imageLength);
      private final int[] places = new int[windows];

      Worker(Maxima<A> maxima) {
        this.maxima = maxima;
      }

      void run(long first, long end) {
        for (long i = first; i < end; i++) {
          Objects.requireNonNull(x).read(i, image);
          maxima.places(image, places);
          for (long v = 0; v < columns; v++) {
            long plane = (i / channels * columns + v) * channels + i % channels;
            Objects.requireNonNull(s).read(plane, signal);
            heap.zero(back, 0, imageLength);
            heap.scatter(signal, back, places, windows);
            Objects.requireNonNull(out).write(back, 0, plane);
          }
        }
      }
    }
  }
}
