package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;

/**
 * {@code SeparableConvolution2D}: each channel convolved by itself with W [M, I, kH, kW], then a
 * convolution over single positions with pW [O, I·M, 1, 1] and b [1, O].
 */
final class SeparableConvolution2DConverter implements LayerConverter<SeparableConvolution2D> {
  @Override
  public @Nullable LayerOutput mask(SeparableConvolution2D conf, ConversionContext context) {
    return PooledMask.ofImages(
        context, ConvolutionLayerConverter.windows(conf), conf.getCnn2dDataFormat());
  }

  @Override
  public LayerOutput convert(SeparableConvolution2D conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = ConvolutionLayerConverter.windows(conf);
    LayerOutput pointwise = context.parameter("pW");
    LayerOutput each = context.parameter("W");
    SDVariable w = context.sd().permute(each.variable(), 2, 3, 1, 0);
    SDVariable apart =
        Taps.needed(windows, each)
            ? dilated(context, Taps.of(context, x, windows, format), each, w, format)
            : depthwise(context, x.variable(), w, windows, format);
    Windows points =
        new Windows(
            conf.getConvolutionMode(),
            new int[] {1, 1},
            new int[] {1, 1},
            new int[] {0, 0},
            new int[] {1, 1});
    SDVariable z =
        ConvolutionLayerConverter.convolve(
            context, apart, pointwise, conf.hasBias(), points, format.name());
    long[] shape = windows.over(x.shape(), Images.height(format));
    return context.activate(
        conf.getActivationFn(),
        new LayerOutput(z, Images.with(shape, Images.channels(format), pointwise.size(0))));
  }

  private static SDVariable depthwise(
      ConversionContext context, SDVariable x, SDVariable w, Windows windows, CNN2DFormat format) {
    Conv2DConfig config =
        ConvolutionLayerConverter.config(windows, format.name(), WeightsFormat.YXIO);
    return context.sd().cnn().depthWiseConv2d(x, w, config);
  }

  private static SDVariable dilated(
      ConversionContext context, Taps taps, LayerOutput w, SDVariable first, CNN2DFormat format) {
    SDVariable kernel = taps.kernel(context, first, w.size(1), w.size(0));
    SDVariable z =
        depthwise(context, taps.image().variable(), kernel, taps.windows(), CNN2DFormat.NCHW);
    return taps.images(context, z, w.size(0) * w.size(1), format);
  }
}
