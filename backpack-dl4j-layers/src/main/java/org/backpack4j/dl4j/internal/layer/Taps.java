package org.backpack4j.dl4j.internal.layer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A dilated convolution without a dilated op: the entries that each tap of the kernel sees become
 * the rows of an image [N, C, taps, positions], over which a kernel [taps, 1] slides. M2.1's
 * dilated {@code conv2d} fails in single precision where oneDNN is at work; DL4J's own layers do
 * not use it.
 *
 * @param image the image
 * @param windows how the kernel slides over it
 * @param shape of the result, which has its channels first
 */
record Taps(LayerOutput image, Windows windows, long[] shape) {

  /** Whether a convolution has to be taken apart. */
  static boolean needed(Windows windows, LayerOutput weights) {
    return weights.variable().dataType() != DataType.DOUBLE
        && IntStream.range(0, 2)
            .anyMatch(k -> windows.kernel()[k] > 1 && windows.dilation()[k] > 1);
  }

  static Taps of(ConversionContext context, LayerOutput x, Windows windows, CNN2DFormat format) {
    SameDiff sd = context.sd();
    boolean last = format == CNN2DFormat.NHWC;
    SDVariable first = last ? sd.permute(x.variable(), 0, 3, 1, 2) : x.variable();
    long channels = x.size(Images.channels(format));
    long[] extents = {x.size(Images.height(format)), x.size(Images.height(format) + 1)};
    long[] positions = {windows.positions(0, extents[0]), windows.positions(1, extents[1])};
    int[][] amounts = new int[4][2];
    for (int k = 0; k < 2; k++) {
      long reach = (positions[k] - 1) * windows.stride()[k] + windows.span(k) - extents[k];
      long before = windows.same() ? Math.max(0, reach) / 2 : windows.padding()[k];
      amounts[k + 2] = new int[] {(int) before, (int) Math.max(0, reach - before)};
    }
    boolean padded = Arrays.stream(amounts).anyMatch(a -> a[0] + a[1] > 0);
    SDVariable read = padded ? Borders.pad(sd, first, amounts) : first;
    List<SDVariable> taps = new ArrayList<>();
    for (int i = 0; i < windows.kernel()[0]; i++) {
      for (int j = 0; j < windows.kernel()[1]; j++) {
        SDVariable tap =
            read.get(
                SDIndex.all(),
                SDIndex.all(),
                seen(windows, 0, i, positions[0]),
                seen(windows, 1, j, positions[1]));
        taps.add(sd.reshape(tap, -1, channels, 1, positions[0] * positions[1]));
      }
    }
    SDVariable image = sd.concat(2, taps.toArray(new SDVariable[0]));
    return new Taps(
        new LayerOutput(image, -1, channels, taps.size(), positions[0] * positions[1]),
        new Windows(
            ConvolutionMode.Truncate,
            new int[] {taps.size(), 1},
            new int[] {1, 1},
            new int[] {0, 0},
            new int[] {1, 1}),
        new long[] {-1, channels, positions[0], positions[1]});
  }

  /** What a tap sees along an axis, one entry for each position. */
  private static SDIndex seen(Windows windows, int axis, int tap, long positions) {
    long begin = (long) tap * windows.dilation()[axis];
    long stride = windows.stride()[axis];
    return SDIndex.interval(begin, stride, begin + (positions - 1) * stride + 1);
  }

  /** A kernel [kH, kW, I, O] as [taps, 1, I, O]. */
  SDVariable kernel(ConversionContext context, SDVariable w, long inputs, long outputs) {
    return context.sd().reshape(w, windows.kernel()[0], 1, inputs, outputs);
  }

  /** What the kernel has answered as images of a format. */
  SDVariable images(
      ConversionContext context, SDVariable answered, long outputs, CNN2DFormat format) {
    SameDiff sd = context.sd();
    SDVariable first = sd.reshape(answered, -1, outputs, shape[2], shape[3]);
    return format == CNN2DFormat.NHWC ? sd.permute(first, 0, 2, 3, 1) : first;
  }
}
