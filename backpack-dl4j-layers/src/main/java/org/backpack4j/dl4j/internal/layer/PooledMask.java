package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The features' mask behind a layer that slides windows: a place is there if one of those that its
 * window sees is. The layer itself does not look at the mask.
 */
final class PooledMask {
  private static final String REMEDY = "train without features' masks";

  private PooledMask() {}

  /**
   * [N, T'] of [N, T].
   *
   * @param layer the layer's windows, of which the first axis is that of the steps
   */
  static @Nullable LayerOutput ofSteps(ConversionContext context, Windows layer) {
    LayerOutput mask = context.input().mask();
    boolean causal = layer.mode() == ConvolutionMode.Causal;
    if (mask == null || ((layer.same() || causal) && layer.stride()[0] == 1)) {
      return mask;
    }
    if (mask.rank() != 2) {
      throw context.refuse(
          "a mask of the features reaches it, " + mask + ", where DL4J asks for [N, T]", REMEDY);
    }
    Windows windows =
        new Windows(
            causal ? ConvolutionMode.Same : layer.mode(), // as the op takes it
            new int[] {layer.kernel()[0], 1},
            new int[] {layer.stride()[0], 1},
            new int[] {layer.padding()[0], 0},
            new int[] {layer.dilation()[0], 1});
    long steps = mask.size(1);
    SDVariable image = context.sd().reshape(mask.variable(), -1, 1, steps, 1);
    long left = windows.positions(0, steps);
    SDVariable pooled = SubsamplingLayerConverter.maximum(windows, context.sd(), image);
    return mask.with(context.sd().reshape(pooled, -1, left), -1, left);
  }

  /**
   * [N, C, H', W'] of [N, C, H, W], where each axis may be of length one.
   *
   * @param windows the layer's windows
   * @param format the images' layout; null if the layer makes them larger
   */
  static @Nullable LayerOutput ofImages(
      ConversionContext context, Windows windows, @Nullable CNN2DFormat format) {
    LayerOutput mask = context.input().mask();
    if (mask == null) {
      return null;
    }
    if (mask.rank() != 4) {
      throw context.refuse(
          "a mask of the features reaches it, " + mask + ", where DL4J asks for [N, 1, H, W]",
          "let each of its last three axes be as long as that of the images, or of length one");
    }
    boolean tall = mask.size(2) != 1;
    boolean wide = mask.size(3) != 1;
    boolean steps = windows.stride()[0] != 1 || windows.stride()[1] != 1;
    if ((windows.same() && !steps) || (!tall && !wide)) {
      return mask;
    }
    if (format != CNN2DFormat.NCHW) {
      throw context.refuse(
          "a mask of the features reaches it, "
              + mask
              + ", which DL4J shortens along other axes"
              + " than those of the images",
          "use the format NCHW and no transposed convolution, or " + REMEDY);
    }
    Windows along =
        new Windows(
            windows.mode(),
            along(windows.kernel(), tall, wide, 1),
            along(windows.stride(), tall, wide, 1),
            along(windows.padding(), tall, wide, 0),
            along(windows.dilation(), tall, wide, 1));
    SDVariable pooled = SubsamplingLayerConverter.maximum(along, context.sd(), mask.variable());
    return mask.with(pooled, along.over(mask.shape(), 2));
  }

  private static int[] along(int[] of, boolean tall, boolean wide, int otherwise) {
    return new int[] {tall ? of[0] : otherwise, wide ? of[1] : otherwise};
  }
}
