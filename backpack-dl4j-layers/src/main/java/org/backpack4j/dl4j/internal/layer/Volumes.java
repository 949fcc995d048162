package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.AvgPooling3D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.MaxPooling3D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling3DConfig;

/** Layers on volumes [N, C, D, H, W] or [N, D, H, W, C]. */
final class Volumes {
  private Volumes() {}

  /** {@code Convolution3D}: σ(x ∗ W + b), W [O, I, kD, kH, kW], b [1, O]. */
  static LayerOutput convolution(Convolution3D conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 5);
    Windows windows = ConvolutionLayerConverter.windows(conf);
    LayerOutput weights = context.parameter("W");
    SDVariable w = context.sd().permute(weights.variable(), 2, 3, 4, 1, 0);
    Conv3DConfig config =
        Conv3DConfig.builder()
            .kD(windows.kernel()[0])
            .kH(windows.kernel()[1])
            .kW(windows.kernel()[2])
            .sD(windows.stride()[0])
            .sH(windows.stride()[1])
            .sW(windows.stride()[2])
            .pD(windows.pad(0))
            .pH(windows.pad(1))
            .pW(windows.pad(2))
            .dD(windows.dilation()[0])
            .dH(windows.dilation()[1])
            .dW(windows.dilation()[2])
            .paddingMode(windows.paddingMode())
            .dataFormat(conf.getDataFormat().name())
            .build();
    SDVariable bias = ConvolutionLayerConverter.bias(context, conf.hasBias(), weights.size(0));
    SDVariable z =
        bias == null
            ? context.sd().cnn().conv3d(x.variable(), w, config)
            : context.sd().cnn().conv3d(x.variable(), w, bias, config);
    long[] shape = windows.over(x.shape(), Images.depth(conf.getDataFormat()));
    int channels = Images.channels(conf.getDataFormat());
    return context.activate(
        conf.getActivationFn(), new LayerOutput(z, Images.with(shape, channels, weights.size(0))));
  }

  /** {@code Deconvolution3D}: a transposed convolution, W [kD, kH, kW, O, I], b [1, O]. */
  static LayerOutput deconvolution(Deconvolution3D conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 5);
    Windows windows = ConvolutionLayerConverter.windows(conf);
    LayerOutput w = context.parameter("W");
    DeConv3DConfig config =
        DeConv3DConfig.builder()
            .kD(windows.kernel()[0])
            .kH(windows.kernel()[1])
            .kW(windows.kernel()[2])
            .sD(windows.stride()[0])
            .sH(windows.stride()[1])
            .sW(windows.stride()[2])
            .pD(windows.pad(0))
            .pH(windows.pad(1))
            .pW(windows.pad(2))
            .dD(windows.dilation()[0])
            .dH(windows.dilation()[1])
            .dW(windows.dilation()[2])
            .isSameMode(windows.same())
            .dataFormat(conf.getDataFormat().name())
            .build();
    SDVariable bias = ConvolutionLayerConverter.bias(context, conf.hasBias(), w.size(3));
    SDVariable z =
        bias == null
            ? context.sd().cnn().deconv3d(x.variable(), w.variable(), config)
            : context.sd().cnn().deconv3d(x.variable(), w.variable(), bias, config);
    long[] shape = windows.transposedOver(x.shape(), Images.depth(conf.getDataFormat()));
    int channels = Images.channels(conf.getDataFormat());
    return context.activate(
        conf.getActivationFn(), new LayerOutput(z, Images.with(shape, channels, w.size(3))));
  }

  /** {@code Subsampling3DLayer}: the maximum or the average of each window. */
  static LayerOutput pooling(Subsampling3DLayer conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 5);
    Windows windows =
        new Windows(
            conf.getConvolutionMode(),
            conf.getKernelSize(),
            conf.getStride(),
            conf.getPadding(),
            conf.getDilation());
    // M2.1's config hands the width to the op where the op has the height, and the other way round
    Pooling3DConfig config =
        Pooling3DConfig.builder()
            .kD(windows.kernel()[0])
            .kW(windows.kernel()[1])
            .kH(windows.kernel()[2])
            .sD(windows.stride()[0])
            .sW(windows.stride()[1])
            .sH(windows.stride()[2])
            .pD(windows.pad(0))
            .pW(windows.pad(1))
            .pH(windows.pad(2))
            .dD(windows.dilation()[0])
            .dW(windows.dilation()[1])
            .dH(windows.dilation()[2])
            .isSameMode(windows.same())
            .isNCDHW(conf.getDataFormat() == Convolution3D.DataFormat.NCDHW)
            .build();
    SDVariable pooled =
        conf.getPoolingType() == PoolingType.MAX
            ? new MaxPooling3D(context.sd(), x.variable(), config).outputVariable()
            : new AvgPooling3D(context.sd(), x.variable(), config).outputVariable();
    return new LayerOutput(pooled, windows.over(x.shape(), Images.depth(conf.getDataFormat())));
  }
}
