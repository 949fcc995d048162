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
 * A maximum pooling whose maxima are found already: images [B, C, H, W] and {@link MaxPoolIndices}
 * [B, C, oH, oW] to the maxima [B, C, oH, oW].
 *
 * <p>Not a number wins against any number, where the native op passes it over.
 *
 * @param type float or double
 * @param planes the number of images times channels
 * @param length the numbers in one image
 * @param windows the windows of one image
 */
record MaxPoolGather(DataType type, long planes, int length, int windows) implements Kernel {

  /**
   * The kernel for images and places, in this order.
   *
   * @return null if the shapes are others
   */
  static @Nullable Kernel of(List<Value> inputs, Value output) {
    if (inputs.size() != 2) {
      return null;
    }
    long[] x = inputs.get(0).shape();
    Value places = inputs.get(1);
    return x.length == 4 && places.length() == output.length()
        ? new MaxPoolGather(
            output.type,
            x[0] * x[1],
            Math.toIntExact(x[2] * x[3]),
            Math.toIntExact(output.length() / (x[0] * x[1])))
        : null;
  }

  @Override
  public Call call(long scratch) {
    return type == DataType.FLOAT ? new Taking<>(ArrayOps.FLOATS) : new Taking<>(ArrayOps.DOUBLES);
  }

  private record Worker<A>(A image, A places, A maxima) {}

  private final class Taking<A> extends PerPlaneKernel<Worker<A>> {
    private final ArrayOps<A> heap;
    private ArrayOps.@Nullable Pieces<A> images;
    private ArrayOps.@Nullable Pieces<A> places;
    private ArrayOps.@Nullable Pieces<A> to;

    Taking(ArrayOps<A> heap) {
      super(
          planes,
          length,
          () -> new Worker<>(heap.make(length), heap.make(windows), heap.make(windows)));
      this.heap = heap;
    }

    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      images = heap.pieces(Native.address(inputs[0]), planes, length);
      places = heap.pieces(Native.address(inputs[1]), planes, windows);
      to = heap.pieces(Native.address(outputs[0]), planes, windows);
    }

    @Override
    void work(Worker<A> worker, long plane) {
      Objects.requireNonNull(images).read(plane, worker.image);
      Objects.requireNonNull(places).read(plane, worker.places);
      heap.gather(worker.image, worker.maxima, worker.places, windows);
      Objects.requireNonNull(to).write(worker.maxima, 0, plane);
    }
  }
}
