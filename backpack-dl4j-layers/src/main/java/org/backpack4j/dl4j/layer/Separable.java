package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
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
final class Separable implements LayerConverter<SeparableConvolution2D> {
  @Override
  public @Nullable Value mask(SeparableConvolution2D conf, Site site) {
    return PooledMask.ofImages(site, Convolution.windows(conf), conf.getCnn2dDataFormat());
  }

  @Override
  public Value convert(SeparableConvolution2D conf, Site site) {
    Value x = Images.input(site, 4);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = Convolution.windows(conf);
    Value pointwise = site.parameter("pW");
    SDVariable w = site.sd().permute(site.parameter("W").variable(), 2, 3, 1, 0);
    Conv2DConfig config = Convolution.config(windows, format.name(), WeightsFormat.YXIO);
    SDVariable apart = site.sd().cnn().depthWiseConv2d(x.variable(), w, config);
    Windows points =
        new Windows(
            conf.getConvolutionMode(),
            new int[] {1, 1},
            new int[] {1, 1},
            new int[] {0, 0},
            new int[] {1, 1});
    SDVariable z =
        Convolution.convolve(site, apart, pointwise, conf.hasBias(), points, format.name());
    long[] shape = windows.over(x.shape(), Images.height(format));
    return site.activate(
        conf.getActivationFn(),
        new Value(z, Images.with(shape, Images.channels(format), pointwise.size(0))));
  }
}
