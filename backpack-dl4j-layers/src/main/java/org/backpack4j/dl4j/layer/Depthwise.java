package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;

/**
 * {@code DepthwiseConvolution2D}: each channel convolved by itself, W [kH, kW, I, M], b [1, I·M].
 */
final class Depthwise implements LayerConverter<DepthwiseConvolution2D> {
  @Override
  public @Nullable Value mask(DepthwiseConvolution2D conf, Site site) {
    return PooledMask.ofImages(site, Convolution.windows(conf), conf.getCnn2dDataFormat());
  }

  @Override
  public Value convert(DepthwiseConvolution2D conf, Site site) {
    Value x = Images.input(site, 4);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = Convolution.windows(conf);
    Value w = site.parameter("W");
    long outputs = w.size(2) * w.size(3);
    Conv2DConfig config = Convolution.config(windows, format.name(), WeightsFormat.YXIO);
    SDVariable bias = Convolution.bias(site, conf.hasBias(), outputs);
    SDVariable z =
        bias == null
            ? site.sd().cnn().depthWiseConv2d(x.variable(), w.variable(), config)
            : site.sd().cnn().depthWiseConv2d(x.variable(), w.variable(), bias, config);
    long[] shape = windows.over(x.shape(), Images.height(format));
    return site.activate(
        conf.getActivationFn(), new Value(z, Images.with(shape, Images.channels(format), outputs)));
  }
}
