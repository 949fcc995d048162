package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;

/** {@code Deconvolution2D}: a transposed convolution, W [I, O, kH, kW], b [1, O]. */
final class Deconvolution implements LayerConverter<Deconvolution2D> {
  @Override
  public @Nullable Value mask(Deconvolution2D conf, Site site) {
    return PooledMask.ofImages(site, Convolution.windows(conf), null);
  }

  @Override
  public Value convert(Deconvolution2D conf, Site site) {
    Value x = Images.input(site, 4);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = Convolution.windows(conf);
    Value weights = site.parameter("W");
    SDVariable w = site.sd().permute(weights.variable(), 2, 3, 1, 0);
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
    SDVariable bias = Convolution.bias(site, conf.hasBias(), outputs);
    SDVariable z =
        bias == null
            ? site.sd().cnn().deconv2d(x.variable(), w, config)
            : site.sd().cnn().deconv2d(x.variable(), w, bias, config);
    long[] shape = windows.transposedOver(x.shape(), Images.height(format));
    return site.activate(
        conf.getActivationFn(), new Value(z, Images.with(shape, Images.channels(format), outputs)));
  }
}
