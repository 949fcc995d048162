package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;

/** {@code ConvolutionLayer}: σ(x ∗ W + b), W [O, I, kH, kW], b [1, O]. */
final class Convolution implements LayerConverter<ConvolutionLayer> {
  @Override
  public @Nullable Value mask(ConvolutionLayer conf, Site site) {
    return PooledMask.ofImages(site, windows(conf), conf.getCnn2dDataFormat());
  }

  @Override
  public Value convert(ConvolutionLayer conf, Site site) {
    Value x = Images.input(site, 4);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = windows(conf);
    Value w = site.parameter("W");
    SDVariable z = convolve(site, x.variable(), w, conf.hasBias(), windows, format.name());
    long[] shape = windows.over(x.shape(), Images.height(format));
    return site.activate(
        conf.getActivationFn(),
        new Value(z, Images.with(shape, Images.channels(format), w.size(0))));
  }

  static Windows windows(ConvolutionLayer conf) {
    return new Windows(
        conf.getConvolutionMode(),
        conf.getKernelSize(),
        conf.getStride(),
        conf.getPadding(),
        conf.getDilation());
  }

  static SDVariable convolve(
      Site site, SDVariable x, Value w, boolean biased, Windows windows, String format) {
    Conv2DConfig config = config(windows, format, WeightsFormat.OIYX);
    SDVariable bias = bias(site, biased, w.size(0));
    return bias == null
        ? site.sd().cnn().conv2d(x, w.variable(), config)
        : site.sd().cnn().conv2d(x, w.variable(), bias, config);
  }

  /** The bias b [1, O] as [O], if there is one. */
  static @Nullable SDVariable bias(Site site, boolean biased, long outputs) {
    return biased ? site.sd().reshape(site.parameter("b").variable(), outputs) : null;
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
