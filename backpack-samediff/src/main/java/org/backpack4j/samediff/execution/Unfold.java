package org.backpack4j.samediff.execution;

import java.util.Arrays;
import java.util.List;
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
 */
record Unfold(DataType type, long images, long channels, Axis h, Axis w) implements Kernel {

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
    long[] arguments = {a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], shape[4], shape[5]};
    return of(inputs, output, arguments);
  }

  /**
   * The kernel for an image [B, C, H, W].
   *
   * @param arguments kH, kW, sH, sW, rows and columns of padding before the image, dH, dW, oH, oW
   * @return null if the output has another shape than these mean
   */
  static @Nullable Kernel of(List<Value> inputs, Value output, long[] arguments) {
    if (inputs.size() != 1 || inputs.get(0).shape().length != 4 || arguments.length != 10) {
      return null;
    }
    long[] shape = inputs.get(0).shape();
    int[] a = Arrays.stream(arguments).mapToInt(Math::toIntExact).toArray();
    Axis h = new Axis((int) shape[2], a[0], a[2], a[4], a[6], a[8]);
    Axis w = new Axis((int) shape[3], a[1], a[3], a[5], a[7], a[9]);
    long length = shape[0] * shape[1] * h.kernel * w.kernel * h.out * w.out;
    return output.length() == length ? new Unfold(output.type, shape[0], shape[1], h, w) : null;
  }

  @Override
  public Call call(long scratch) {
    return type == DataType.FLOAT ? new Rows<>(Heap.FLOATS) : new Rows<>(Heap.DOUBLES);
  }

  /** Channel by channel. */
  private final class Rows<A> implements Call {
    private final Heap<A> heap;
    private final A image;
    private final A patches;
    private final int imageLength = h.in * w.in;
    private final int patchesLength = h.kernel * w.kernel * h.out * w.out;
    private long from;
    private long to;

    Rows(Heap<A> heap) {
      this.heap = heap;
      this.image = heap.make(imageLength);
      this.patches = heap.make(patchesLength);
    }

    @Override
    public void bind(INDArray[] inputs, INDArray[] outputs) {
      from = Native.address(inputs[0]);
      to = Native.address(outputs[0]);
    }

    @Override
    public void run() {
      for (long plane = 0; plane < images * channels; plane++) {
        heap.read(from + plane * imageLength * type.width(), image, imageLength);
        int position = 0;
        for (int i = 0; i < h.kernel; i++) {
          for (int j = 0; j < w.kernel; j++) {
            tap(i, j, position);
            position += h.out * w.out;
          }
        }
        heap.write(patches, patchesLength, to + plane * patchesLength * type.width());
      }
    }

    /** What one tap sees in all windows. */
    private void tap(int i, int j, int position) {
      int first = w.firstInside(j);
      int end = Math.max(first, w.endInside(j));
      for (int row = 0; row < h.out; row++) {
        int y = h.seen(i, row);
        int start = position + row * w.out;
        if (y < 0 || y >= h.in) {
          heap.zero(patches, start, start + w.out);
          continue;
        }
        heap.zero(patches, start, start + first);
        int seen = y * w.in + w.seen(j, first);
        heap.copy(image, seen, w.stride, patches, start + first, end - first);
        heap.zero(patches, start + end, start + w.out);
      }
    }
  }
}
