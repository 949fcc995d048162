package org.backpack4j.samediff.internal.execution.kernel;

import java.util.ArrayList;
import java.util.Arrays;
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
 * What each window of an image sees: [B, C, H, W] to [B, C · kH · kW, oH · oW]. The native {@code
 * im2col} copies number by number, this one row by row.
 *
 * @param type float or double
 * @param images B
 * @param channels C
 * @param h the windows' rows
 * @param w the windows' columns
 * @param tapsFirst whether the result is [B, kH · kW · C, oH · oW]
 */
record Im2col(DataType type, long images, long channels, Axis h, Axis w, boolean tapsFirst)
    implements Kernel {

  /**
   * Windows along one axis.
   *
   * @param in the image's extent
   * @param kernel how many elements a window sees
   * @param stride from one window to the next
   * @param before how far the first window begins before the image; negative if behind its edge
   * @param dilation from one element of a window to the next
   * @param out the number of windows
   */
  record Axis(int in, int kernel, int stride, int before, int dilation, int out) {
    /** The element that tap {@code tap} of window {@code window} sees, perhaps beside the image. */
    int seen(int tap, int window) {
      return window * stride - before + tap * dilation;
    }

    /** The first tap of a window that sees the image, and the first behind that which does not. */
    int firstTap(int window) {
      int offset = before - window * stride;
      return Math.min(kernel, Math.max(0, (offset + dilation - 1) / dilation));
    }

    int endTap(int window) {
      int last = in - 1 + before - window * stride;
      return last < 0 ? 0 : Math.min(kernel, last / dilation + 1);
    }

    /** The first window whose tap sees the image, and the first behind that which does not. */
    int firstInside(int tap) {
      int offset = before - tap * dilation;
      return Math.min(out, Math.max(0, (offset + stride - 1) / stride));
    }

    int endInside(int tap) {
      int last = in - 1 + before - tap * dilation;
      return last < 0 ? 0 : Math.min(out, last / stride + 1);
    }
  }

  /** The kernel in place of a native {@code im2col}, or null if that pads by itself. */
  static @Nullable Kernel ofNative(DynamicCustomOp op, List<Value> inputs, Value output) {
    long[] a = op.iArgs();
    long[] shape = output.shape();
    if (a.length < 9 || a[8] != 0 || shape.length != 6) {
      return null;
    }
    long[] arguments = {a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], shape[4], shape[5], 0};
    return of(inputs, output, arguments);
  }

  /**
   * The kernel for an image [B, C, H, W].
   *
   * @param arguments kH, kW, sH, sW, rows and columns of padding before the image, dH, dW, oH, oW,
   *     1 if the taps come before the channels
   * @return null if the output has another shape than these mean
   */
  static @Nullable Kernel of(List<Value> inputs, Value output, long[] arguments) {
    if (inputs.size() != 1 || inputs.get(0).shape().length != 4 || arguments.length != 11) {
      return null;
    }
    long[] shape = inputs.get(0).shape();
    int[] a = Arrays.stream(arguments).mapToInt(Math::toIntExact).toArray();
    Axis h = new Axis((int) shape[2], a[0], a[2], a[4], a[6], a[8]);
    Axis w = new Axis((int) shape[3], a[1], a[3], a[5], a[7], a[9]);
    long length = shape[0] * shape[1] * h.kernel * w.kernel * h.out * w.out;
    return output.length() == length
        ? new Im2col(output.type, shape[0], shape[1], h, w, a[10] == 1)
        : null;
  }

  @Override
  public Call call(long scratch) {
    return type == DataType.FLOAT ? new Rows<>(ArrayOps.FLOATS) : new Rows<>(ArrayOps.DOUBLES);
  }

  private final class Rows<A> implements Call {
    private final ArrayOps<A> heap;
    private final int taps = h.kernel * w.kernel;
    private final int windows = h.out * w.out;
    private final List<Worker> workers = new ArrayList<>();
    private ArrayOps.@Nullable Pieces<A> from;
    private ArrayOps.@Nullable Pieces<A> to;

    Rows(ArrayOps<A> heap) {
      this.heap = heap;
      for (int worker = 0; worker < Parallel.THREADS; worker++) {
        workers.add(new Worker());
      }
    }

    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      long planes = images * channels;
      from = heap.pieces(Native.address(inputs[0]), planes, h.in * w.in);
      to = heap.pieces(Native.address(outputs[0]), planes * taps, windows);
    }

    @Override
    public void run() {
      long grain = Parallel.grain((long) taps * windows);
      Parallel.run(
          images * channels, grain, (worker, first, end) -> workers.get(worker).run(first, end));
    }

    /**
     * Channel by channel. What a column of taps sees is brought together once, as a stack of rows
     * of the padded image; each tap of the column then takes its rows from there, at stride one all
     * in a piece.
     */
    private final class Worker {
      private final int firstRow = Math.min(0, -h.before);
      private final int height = Math.max(h.in, h.seen(h.kernel - 1, h.out - 1) + 1) - firstRow;
      private final A image = heap.make(h.in * w.in);
      private final A stack = heap.make(height * w.out);
      private final A patch = heap.make(windows);

      void run(long first, long end) {
        for (long plane = first; plane < end; plane++) {
          Objects.requireNonNull(from).read(plane, image);
          for (int j = 0; j < w.kernel; j++) {
            bringTogether(j);
            for (int i = 0; i < h.kernel; i++) {
              take(i, place(plane, i * w.kernel + j));
            }
          }
        }
      }

      private long place(long plane, int tap) {
        return tapsFirst
            ? (plane / channels * taps + tap) * channels + plane % channels
            : plane * taps + tap;
      }

      /** What the taps of column {@code j} see of each row. */
      private void bringTogether(int j) {
        int first = w.firstInside(j);
        int end = Math.max(first, w.endInside(j));
        int top = -firstRow * w.out;
        int bottom = top + h.in * w.out;
        heap.zero(stack, 0, top);
        if (end > first && w.stride == 1 && w.out == w.in) {
          // all rows at once; what a row takes from its neighbours is zeroed below
          int count = (h.in - 1) * w.in + end - first;
          heap.copy(image, w.seen(j, first), 1, stack, top + first, count);
        } else {
          for (int row = 0; row < h.in; row++) {
            int seen = row * w.in + w.seen(j, first);
            heap.copy(image, seen, w.stride, stack, top + row * w.out + first, end - first);
          }
        }
        for (int start = top; start < bottom; start += w.out) {
          heap.zero(stack, start, start + first);
          heap.zero(stack, start + end, start + w.out);
        }
        heap.zero(stack, bottom, height * w.out);
      }

      private void take(int i, long piece) {
        ArrayOps.Pieces<A> taps = Objects.requireNonNull(to);
        if (h.stride == 1) {
          taps.write(stack, (h.seen(i, 0) - firstRow) * w.out, piece);
          return;
        }
        for (int row = 0; row < h.out; row++) {
          int start = (h.seen(i, row) - firstRow) * w.out;
          heap.copy(stack, start, 1, patch, row * w.out, w.out);
        }
        taps.write(patch, 0, piece);
      }
    }
  }
}
