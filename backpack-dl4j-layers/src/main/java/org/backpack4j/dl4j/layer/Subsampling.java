package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.AvgPooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.MaxPooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;

/** {@code SubsamplingLayer}: the maximum or the average of each window. */
final class Subsampling implements LayerConverter<SubsamplingLayer> {
  @Override
  public void check(SubsamplingLayer conf, Obstacles obstacles) {
    PoolingType type = conf.getPoolingType();
    obstacles.addIf(
        type != PoolingType.MAX && type != PoolingType.AVG,
        "pooling by " + type + " is not supported",
        "use MAX or AVG");
  }

  @Override
  public Value convert(SubsamplingLayer conf, Site site) {
    Value x = site.input();
    Images.check(site, x);
    CNN2DFormat format = conf.getCnn2dDataFormat();
    ConvolutionMode mode = conf.getConvolutionMode();
    int[] kernel = conf.getKernelSize();
    int[] stride = conf.getStride();
    int[] padding = conf.getPadding();
    int[] dilation = conf.getDilation();
    Pooling2DConfig config =
        Pooling2DConfig.builder()
            .kH(kernel[0])
            .kW(kernel[1])
            .sH(stride[0])
            .sW(stride[1])
            .pH(padding[0])
            .pW(padding[1])
            .dH(dilation[0])
            .dW(dilation[1])
            .paddingMode(mode == ConvolutionMode.Same ? PaddingMode.SAME : PaddingMode.VALID)
            // DL4J hands the op a 1 where padding counts in the divisor
            .extra(conf.isAvgPoolIncludePadInDivisor() ? 1 : 0)
            .isNHWC(format == CNN2DFormat.NHWC)
            .build();
    SDVariable pooled =
        conf.getPoolingType() == PoolingType.MAX
            ? new MaxPooling2D(site.sd(), x.variable(), config).outputVariable()
            : new AvgPooling2D(site.sd(), x.variable(), config).outputVariable();
    int h = Images.height(format);
    return x.with(
        pooled,
        Images.shape(
            format,
            x.size(Images.channels(format)),
            Images.positions(mode, x.size(h), kernel[0], stride[0], padding[0], dilation[0]),
            Images.positions(mode, x.size(h + 1), kernel[1], stride[1], padding[1], dilation[1])));
  }
}
