package org.backpack4j.samediff.internal.execution.kernel;

import java.util.List;
import java.util.Objects;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The way back through a maximum pooling, for any number of columns: {@link MaxPoolIndices} [N, C,
 * oH, oW] and S [N, V, C, oH, oW] to [N, V, C, H, W], each number of S added where the maximum of
 * its window is.
 *
 * <p>The native {@code maxpool2d_bp} looks for the maxima once for each column, and runs at a few
 * per cent of the memory's rate.
 *
 * @param type float or double
 * @param samples N
 * @param columns V
 * @param channels C
 * @param length the numbers in one image
 * @param windows the windows of one image
 */
record MaxPoolBackward(
    DataType type, long samples, long columns, long channels, int length, int windows)
    implements Kernel {

  /**
   * The kernel for places and S, in this order.
   *
   * @return null if the shapes are others
   */
  static @Nullable Kernel of(List<Value> inputs, Value output) {
    if (inputs.size() != 2) {
      return null;
    }
    long[] places = inputs.get(0).shape();
    long[] s = inputs.get(1).shape();
    boolean fit =
        places.length == 4
            && s.length == 5
            && s[0] == places[0]
            && s[2] == places[1]
            && s[3] == places[2]
            && s[4] == places[3];
    long planes = fit ? s[0] * s[1] * s[2] : 0;
    return fit && output.length() % planes == 0
        ? new MaxPoolBackward(
            output.type,
            s[0],
            s[1],
            s[2],
            Math.toIntExact(output.length() / planes),
            Math.toIntExact(s[3] * s[4]))
        : null;
  }

  @Override
  public Call call(long scratch) {
    return type == DataType.FLOAT
        ? new Placing<>(ArrayOps.FLOATS)
        : new Placing<>(ArrayOps.DOUBLES);
  }

  private record Worker<A>(A places, A cotangent, A back) {}

  /** Channel by channel; all columns of one before the next. */
  private final class Placing<A> extends PerPlaneKernel<Worker<A>> {
    private final ArrayOps<A> heap;
    private ArrayOps.@Nullable Pieces<A> places;
    private ArrayOps.@Nullable Pieces<A> s;
    private ArrayOps.@Nullable Pieces<A> out;

    Placing(ArrayOps<A> heap) {
      super(
          samples * channels,
          length * columns,
          () -> new Worker<>(heap.make(windows), heap.make(windows), heap.make(length)));
      this.heap = heap;
    }

    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      long planes = samples * columns * channels;
      places = heap.pieces(Native.address(inputs[0]), samples * channels, windows);
      s = heap.pieces(Native.address(inputs[1]), planes, windows);
      out = heap.pieces(Native.address(outputs[0]), planes, length);
    }

    @Override
    void work(Worker<A> worker, long i) {
      Objects.requireNonNull(places).read(i, worker.places);
      for (long v = 0; v < columns; v++) {
        long plane = (i / channels * columns + v) * channels + i % channels;
        Objects.requireNonNull(s).read(plane, worker.cotangent);
        heap.zero(worker.back, 0, length);
        heap.scatter(worker.cotangent, worker.back, worker.places, windows);
        Objects.requireNonNull(out).write(worker.back, 0, plane);
      }
    }
  }
}
