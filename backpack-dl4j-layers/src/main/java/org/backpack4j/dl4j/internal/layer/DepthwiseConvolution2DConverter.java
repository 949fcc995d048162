package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;

/**
 * {@code DepthwiseConvolution2D}: each channel convolved by itself, W [kH, kW, I, M], b [1, I·M].
 */
final class DepthwiseConvolution2DConverter implements LayerConverter<DepthwiseConvolution2D> {
  @Override
  public @Nullable LayerOutput mask(DepthwiseConvolution2D conf, ConversionContext context) {
    return PooledMask.ofImages(
        context, ConvolutionLayerConverter.windows(conf), conf.getCnn2dDataFormat());
  }

  @Override
  public LayerOutput convert(DepthwiseConvolution2D conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = ConvolutionLayerConverter.windows(conf);
    LayerOutput w = context.parameter("W");
    long outputs = w.size(2) * w.size(3);
    Conv2DConfig config =
        ConvolutionLayerConverter.config(windows, format.name(), WeightsFormat.YXIO);
    SDVariable bias = ConvolutionLayerConverter.bias(context, conf.hasBias(), outputs);
    SDVariable z =
        bias == null
            ? context.sd().cnn().depthWiseConv2d(x.variable(), w.variable(), config)
            : context.sd().cnn().depthWiseConv2d(x.variable(), w.variable(), bias, config);
    long[] shape = windows.over(x.shape(), Images.height(format));
    return context.activate(
        conf.getActivationFn(),
        new LayerOutput(z, Images.with(shape, Images.channels(format), outputs)));
  }
}
