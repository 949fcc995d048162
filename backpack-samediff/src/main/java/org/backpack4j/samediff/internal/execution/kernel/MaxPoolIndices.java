package org.backpack4j.samediff.internal.execution.kernel;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Where the windows of a maximum pooling have their maxima: for each window of images [B, C, H, W]
 * the number of the greatest element in its image, the first if there are several, counted row by
 * row. Found once, it serves the way forward and all ways back.
 *
 * @param type float or double
 * @param planes the number of images times channels
 * @param h the windows' rows
 * @param w the windows' columns
 */
record MaxPoolIndices(DataType type, long planes, Im2col.Axis h, Im2col.Axis w) implements Kernel {
  /** How many times as long as a copy it takes. */
  private static final int EFFORT = 4;

  /**
   * The kernel for images [B, C, H, W].
   *
   * @param output [B, C, oH, oW]
   * @param arguments kH, kW, sH, sW, rows and columns of padding before the image, dH, dW
   * @return null if the shapes are others, or a window sees nothing of the image
   */
  static @Nullable Kernel of(List<Value> inputs, Value output, long[] arguments) {
    if (inputs.size() != 1 || arguments.length != 8) {
      return null;
    }
    long[] x = inputs.get(0).shape();
    long[] places = output.shape();
    if (x.length != 4 || places.length != 4 || places[0] != x[0] || places[1] != x[1]) {
      return null;
    }
    int[] a = Arrays.stream(arguments).mapToInt(Math::toIntExact).toArray();
    Im2col.Axis h = new Im2col.Axis((int) x[2], a[0], a[2], a[4], a[6], (int) places[2]);
    Im2col.Axis w = new Im2col.Axis((int) x[3], a[1], a[3], a[5], a[7], (int) places[3]);
    return isBlind(h) || isBlind(w) ? null : new MaxPoolIndices(output.type, x[0] * x[1], h, w);
  }

  private static boolean isBlind(Im2col.Axis axis) {
    return IntStream.range(0, axis.out()).anyMatch(o -> axis.firstTap(o) >= axis.endTap(o));
  }

  @Override
  public Call call(long scratch) {
    KernelWindows rows = KernelWindows.of(h);
    KernelWindows columns = KernelWindows.of(w);
    return type == DataType.FLOAT
        ? new Search<>(ArrayOps.FLOATS, () -> Maxima.ofFloats(rows, columns))
        : new Search<>(ArrayOps.DOUBLES, () -> Maxima.ofDoubles(rows, columns));
  }

  private record Worker<A>(Maxima<A> maxima, A image, A places) {}

  private final class Search<A> extends PerPlaneKernel<Worker<A>> {
    private final ArrayOps<A> heap;
    private ArrayOps.@Nullable Pieces<A> from;
    private ArrayOps.@Nullable Pieces<A> to;

    Search(ArrayOps<A> heap, Supplier<Maxima<A>> maxima) {
      super(
          planes,
          (long) EFFORT * h.in() * w.in(),
          () ->
              new Worker<>(maxima.get(), heap.make(h.in() * w.in()), heap.make(h.out() * w.out())));
      this.heap = heap;
    }

    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      from = heap.pieces(Native.address(inputs[0]), planes, h.in() * w.in());
      to = heap.pieces(Native.address(outputs[0]), planes, h.out() * w.out());
    }

    @Override
    void work(Worker<A> worker, long plane) {
      Objects.requireNonNull(from).read(plane, worker.image);
      worker.maxima.places(worker.image, worker.places);
      Objects.requireNonNull(to).write(worker.places, 0, plane);
    }
  }
}
