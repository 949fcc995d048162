package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;

/** {@code Deconvolution2D}: a transposed convolution, W [I, O, kH, kW], b [1, O]. */
final class DeconvolutionConverter implements LayerConverter<Deconvolution2D> {
  @Override
  public @Nullable LayerOutput mask(Deconvolution2D conf, ConversionContext context) {
    return PooledMask.ofImages(context, ConvolutionLayerConverter.windows(conf), null);
  }

  @Override
  public LayerOutput convert(Deconvolution2D conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = ConvolutionLayerConverter.windows(conf);
    LayerOutput weights = context.parameter("W");
    SDVariable w = context.sd().permute(weights.variable(), 2, 3, 1, 0);
    long outputs = weights.size(1);
    DeConv2DConfig config =
        DeConv2DConfig.builder()
            .kH(windows.kernel()[0])
            .kW(windows.kernel()[1])
            .sH(windows.stride()[0])
            .sW(windows.stride()[1])
            .pH(windows.pad(0))
            .pW(windows.pad(1))
            .dH(windows.dilation()[0])
            .dW(windows.dilation()[1])
            .isSameMode(windows.same())
            .dataFormat(format.name())
            .build();
    SDVariable bias = ConvolutionLayerConverter.bias(context, conf.hasBias(), outputs);
    SDVariable z =
        bias == null
            ? context.sd().cnn().deconv2d(x.variable(), w, config)
            : context.sd().cnn().deconv2d(x.variable(), w, bias, config);
    long[] shape = windows.transposedOver(x.shape(), Images.height(format));
    return context.activate(
        conf.getActivationFn(),
        new LayerOutput(z, Images.with(shape, Images.channels(format), outputs)));
  }
}
