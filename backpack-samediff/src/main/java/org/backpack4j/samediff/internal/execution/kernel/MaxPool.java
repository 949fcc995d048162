package org.backpack4j.samediff.internal.execution.kernel;

import java.util.List;
import java.util.Objects;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Maximum pooling of images [B, C, H, W]: first over the rows of a window, a whole row of the image
 * at a time, then over its columns. In double precision only, where the native {@code maxpool2d}
 * runs at a fiftieth of the memory's rate; in single precision it is faster than this.
 *
 * <p>Not a number wins against any number, where the native op passes it over.
 *
 * @param planes the number of images times channels
 * @param h the windows' rows
 * @param w the windows' columns
 */
record MaxPool(long planes, Im2col.Axis h, Im2col.Axis w) implements Kernel {

  /**
   * The kernel in place of a native {@code maxpool2d}, or null in single precision and where the
   * channels come last.
   */
  static @Nullable Kernel ofNative(DynamicCustomOp op, List<Value> inputs, Value output) {
    long[] a = op.iArgs();
    long[] in = inputs.get(0).shape();
    long[] out = output.shape();
    boolean channelsLast = a.length > 10 && a[10] == 1;
    if (output.type != DataType.DOUBLE
        || a.length < 9
        || a[8] > 1
        || channelsLast
        || in.length != 4
        || out.length != 4) {
      return null;
    }
    boolean same = a[8] == 1;
    return new MaxPool(
        in[0] * in[1],
        axis(in[2], a[0], a[2], a[4], a[6], out[2], same),
        axis(in[3], a[1], a[3], a[5], a[7], out[3], same));
  }

  private static Im2col.Axis axis(
      long in, long kernel, long stride, long before, long dilation, long out, boolean same) {
    long covered = (out - 1) * stride + (kernel - 1) * dilation + 1;
    long pad = same ? Math.max(0, covered - in) / 2 : before;
    return new Im2col.Axis(
        (int) in, (int) kernel, (int) stride, (int) pad, (int) dilation, (int) out);
  }

  @Override
  public Call call(long scratch) {
    int length = h.in() * w.in();
    int windows = h.out() * w.out();
    return new PerPlaneKernel<>(planes, length, Worker::new) {
      private ArrayOps.@Nullable Pieces<double[]> from;
      private ArrayOps.@Nullable Pieces<double[]> to;

      @Override
      public void bind(INDArray[] inputs, INDArray[] outputs) {
        from = ArrayOps.DOUBLES.pieces(Native.address(inputs[0]), planes, length);
        to = ArrayOps.DOUBLES.pieces(Native.address(outputs[0]), planes, windows);
      }

      @Override
      void work(Worker worker, long plane) {
        Objects.requireNonNull(from).read(plane, worker.image);
        worker.maxima.values(worker.image, worker.pooled);
        Objects.requireNonNull(to).write(worker.pooled, 0, plane);
      }
    };
  }

  private final class Worker {
    final Maxima.OfDoubles maxima = Maxima.ofDoubles(KernelWindows.of(h), KernelWindows.of(w));
    final double[] image = new double[h.in() * w.in()];
    final double[] pooled = new double[h.out() * w.out()];
  }
}
