package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ops.impl.layers.convolution.AvgPooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.MaxPooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;

/** {@code SubsamplingLayer}: the maximum, the average or the p-norm of each window. */
final class SubsamplingLayerConverter implements LayerConverter<SubsamplingLayer> {
  @Override
  public void check(SubsamplingLayer conf, Obstacles obstacles) {
    obstacles.addIf(
        !known(conf.getPoolingType()),
        "pooling by " + conf.getPoolingType() + " is not supported",
        "use MAX, AVG or PNORM");
  }

  static boolean known(PoolingType type) {
    return type != PoolingType.SUM;
  }

  @Override
  public @Nullable LayerOutput mask(SubsamplingLayer conf, ConversionContext context) {
    return PooledMask.ofImages(context, windows(conf), conf.getCnn2dDataFormat());
  }

  @Override
  public LayerOutput convert(SubsamplingLayer conf, ConversionContext context) {
    return pool(conf, context, Images.input(context, 4));
  }

  static Windows windows(SubsamplingLayer conf) {
    return new Windows(
        conf.getConvolutionMode(),
        conf.getKernelSize(),
        conf.getStride(),
        conf.getPadding(),
        conf.getDilation());
  }

  /** Pools images. */
  static LayerOutput pool(SubsamplingLayer conf, ConversionContext context, LayerOutput x) {
    CNN2DFormat format = conf.getCnn2dDataFormat();
    Windows windows = windows(conf);
    Pooling2DConfig config =
        config(windows)
            // DL4J hands the op a 1 where padding counts in the divisor
            .extra(conf.isAvgPoolIncludePadInDivisor() ? 1 : 0)
            .isNHWC(format == CNN2DFormat.NHWC)
            .build();
    SDVariable pooled =
        switch (conf.getPoolingType()) {
          case MAX -> new MaxPooling2D(context.sd(), x.variable(), config).outputVariable();
          case PNORM -> norm(config, conf.getPnorm(), context, x);
          default -> new AvgPooling2D(context.sd(), x.variable(), config).outputVariable();
        };
    return new LayerOutput(pooled, windows.over(x.shape(), Images.height(format)));
  }

  /** The maximum of each window of images [N, C, H, W]. */
  static SDVariable maximum(Windows windows, SameDiff sd, SDVariable images) {
    Pooling2DConfig config = config(windows).build();
    return new MaxPooling2D(sd, images, config).outputVariable();
  }

  private static Pooling2DConfig.Pooling2DConfigBuilder config(Windows windows) {
    return Pooling2DConfig.builder()
        .kH(windows.kernel()[0])
        .kW(windows.kernel()[1])
        .sH(windows.stride()[0])
        .sW(windows.stride()[1])
        .pH(windows.pad(0))
        .pW(windows.pad(1))
        .dH(windows.dilation()[0])
        .dW(windows.dilation()[1])
        .paddingMode(windows.paddingMode());
  }

  private static SDVariable norm(
      Pooling2DConfig config, int exponent, ConversionContext context, LayerOutput x) {
    config.setType(Pooling2D.Pooling2DType.PNORM);
    config.setExtra(exponent);
    SDVariable[] inputs = {x.variable()};
    return new Pooling2D(context.sd(), inputs, config).outputVariable();
  }
}
