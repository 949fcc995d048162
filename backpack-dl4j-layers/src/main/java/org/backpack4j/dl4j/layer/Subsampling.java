package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
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
final class Subsampling implements LayerConverter<SubsamplingLayer> {
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
  public @Nullable Value mask(SubsamplingLayer conf, Site site) {
    return PooledMask.ofImages(site, windows(conf), conf.getCnn2dDataFormat());
  }

  @Override
  public Value convert(SubsamplingLayer conf, Site site) {
    return pool(conf, site, Images.input(site, 4));
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
  static Value pool(SubsamplingLayer conf, Site site, Value x) {
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
          case MAX -> new MaxPooling2D(site.sd(), x.variable(), config).outputVariable();
          case PNORM -> norm(config, conf.getPnorm(), site, x);
          default -> new AvgPooling2D(site.sd(), x.variable(), config).outputVariable();
        };
    return new Value(pooled, windows.over(x.shape(), Images.height(format)));
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

  private static SDVariable norm(Pooling2DConfig config, int exponent, Site site, Value x) {
    config.setType(Pooling2D.Pooling2DType.PNORM);
    config.setExtra(exponent);
    SDVariable[] inputs = {x.variable()};
    return new Pooling2D(site.sd(), inputs, config).outputVariable();
  }
}
