package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/** {@code ConvolutionLayer}: σ(x ∗ W + b), W [O, I, kH, kW], b [1, O]. */
final class Convolution implements LayerConverter<ConvolutionLayer> {
  @Override
  public Value convert(ConvolutionLayer conf, Site site) {
    Value x = site.input();
    Images.check(site, x);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    ConvolutionMode mode = conf.getConvolutionMode();
    int[] kernel = conf.getKernelSize();
    int[] stride = conf.getStride();
    int[] padding = conf.getPadding();
    int[] dilation = conf.getDilation();
    Value w = site.parameter("W");
    long outputs = w.size(0);
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(kernel[0])
            .kW(kernel[1])
            .sH(stride[0])
            .sW(stride[1])
            .pH(mode == ConvolutionMode.Same ? 0 : padding[0])
            .pW(mode == ConvolutionMode.Same ? 0 : padding[1])
            .dH(dilation[0])
            .dW(dilation[1])
            .paddingMode(mode == ConvolutionMode.Same ? PaddingMode.SAME : PaddingMode.VALID)
            .dataFormat(format.name())
            .weightsFormat(WeightsFormat.OIYX)
            .build();
    SameDiff sd = site.sd();
    SDVariable z =
        conf.hasBias()
            ? sd.cnn()
                .conv2d(
                    x.variable(),
                    w.variable(),
                    sd.reshape(site.parameter("b").variable(), outputs),
                    config)
            : sd.cnn().conv2d(x.variable(), w.variable(), config);
    int h = Images.height(format);
    long[] shape =
        Images.shape(
            format,
            outputs,
            Images.positions(mode, x.size(h), kernel[0], stride[0], padding[0], dilation[0]),
            Images.positions(mode, x.size(h + 1), kernel[1], stride[1], padding[1], dilation[1]));
    return site.activate(conf.getActivationFn(), x.with(z, shape));
  }
}
