package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;

/** {@code ConvolutionLayer}: σ(x ∗ W + b), W [O, I, kH, kW], b [1, O]. */
final class ConvolutionLayerConverter implements LayerConverter<ConvolutionLayer> {
  @Override
  public @Nullable LayerOutput mask(ConvolutionLayer conf, ConversionContext context) {
    return PooledMask.ofImages(context, windows(conf), conf.getCnn2dDataFormat());
  }

  @Override
  public LayerOutput convert(ConvolutionLayer conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = windows(conf);
    LayerOutput w = context.parameter("W");
    SDVariable z =
        Taps.needed(windows, w)
            ? dilated(context, Taps.of(context, x, windows, format), w, conf.hasBias(), format)
            : convolve(context, x.variable(), w, conf.hasBias(), windows, format.name());
    long[] shape = windows.over(x.shape(), Images.height(format));
    return context.activate(
        conf.getActivationFn(),
        new LayerOutput(z, Images.with(shape, Images.channels(format), w.size(0))));
  }

  static Windows windows(ConvolutionLayer conf) {
    return new Windows(
        conf.getConvolutionMode(),
        conf.getKernelSize(),
        conf.getStride(),
        conf.getPadding(),
        conf.getDilation());
  }

  private static SDVariable dilated(
      ConversionContext context, Taps taps, LayerOutput w, boolean biased, CNN2DFormat format) {
    SDVariable first = context.sd().permute(w.variable(), 2, 3, 1, 0);
    SDVariable kernel = taps.kernel(context, first, w.size(1), w.size(0));
    Conv2DConfig config = config(taps.windows(), CNN2DFormat.NCHW.name(), WeightsFormat.YXIO);
    SDVariable bias = bias(context, biased, w.size(0));
    SDVariable image = taps.image().variable();
    SDVariable z =
        bias == null
            ? context.sd().cnn().conv2d(image, kernel, config)
            : context.sd().cnn().conv2d(image, kernel, bias, config);
    return taps.images(context, z, w.size(0), format);
  }

  static SDVariable convolve(
      ConversionContext context,
      SDVariable x,
      LayerOutput w,
      boolean biased,
      Windows windows,
      String format) {
    Conv2DConfig config = config(windows, format, WeightsFormat.OIYX);
    SDVariable bias = bias(context, biased, w.size(0));
    return bias == null
        ? context.sd().cnn().conv2d(x, w.variable(), config)
        : context.sd().cnn().conv2d(x, w.variable(), bias, config);
  }

  /** The bias b [1, O] as [O], if there is one. */
  static @Nullable SDVariable bias(ConversionContext context, boolean biased, long outputs) {
    return biased ? context.sd().reshape(context.parameter("b").variable(), outputs) : null;
  }

  static Conv2DConfig config(Windows windows, String format, WeightsFormat weights) {
    return Conv2DConfig.builder()
        .kH(windows.kernel()[0])
        .kW(windows.kernel()[1])
        .sH(windows.stride()[0])
        .sW(windows.stride()[1])
        .pH(windows.pad(0))
        .pW(windows.pad(1))
        .dH(windows.dilation()[0])
        .dW(windows.dilation()[1])
        .paddingMode(windows.paddingMode())
        .dataFormat(format)
        .weightsFormat(weights)
        .build();
  }
}
