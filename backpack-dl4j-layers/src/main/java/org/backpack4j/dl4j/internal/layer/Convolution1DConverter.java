package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;

/**
 * {@code Convolution1DLayer}: σ(x ∗ W + b), x [N, I, T], b [1, O]. DL4J calls W's shape [O, I, k,
 * 1] and reads its entries in their order as [k, I, O]. The sequence is an image of width one.
 */
final class Convolution1DConverter implements LayerConverter<Convolution1DLayer> {
  @Override
  public @Nullable LayerOutput mask(Convolution1DLayer conf, ConversionContext context) {
    if (context.input().mask() != null && conf.getRnnDataFormat() == RNNFormat.NWC) {
      throw context.refuse(
          "a mask of the features reaches it, and in the format NWC DL4J takes steps for features",
          "use the format NCW, or train without features' masks");
    }
    return PooledMask.ofSteps(context, ConvolutionLayerConverter.windows(conf));
  }

  @Override
  public LayerOutput convert(Convolution1DLayer conf, ConversionContext context) {
    SameDiff sd = context.sd();
    LayerOutput x = Sequences.channelsFirst(context, conf.getRnnDataFormat());
    int kernel = conf.getKernelSize()[0];
    int stride = conf.getStride()[0];
    int dilation = conf.getDilation()[0];
    ConvolutionMode mode = conf.getConvolutionMode();
    long length = x.size(2);
    SDVariable image = sd.reshape(x.variable(), -1, x.size(1), length, 1);
    if (mode == ConvolutionMode.Causal) {
      int before = dilation * (kernel - 1);
      image = Borders.pad(sd, image, new int[][] {{0, 0}, {0, 0}, {before, 0}, {0, 0}});
      length += before;
      mode = ConvolutionMode.Truncate;
    }
    int padding = conf.getConvolutionMode() == ConvolutionMode.Causal ? 0 : conf.getPadding()[0];
    Windows windows =
        new Windows(
            mode,
            new int[] {kernel, 1},
            new int[] {stride, 1},
            new int[] {padding, 0},
            new int[] {dilation, 1});
    LayerOutput weights = context.parameter("W");
    SDVariable w = sd.reshape(weights.variable(), kernel, 1, weights.size(1), weights.size(0));
    Conv2DConfig config = ConvolutionLayerConverter.config(windows, "NCHW", WeightsFormat.YXIO);
    SDVariable bias = ConvolutionLayerConverter.bias(context, conf.hasBias(), weights.size(0));
    SDVariable z =
        bias == null ? sd.cnn().conv2d(image, w, config) : sd.cnn().conv2d(image, w, bias, config);
    long[] shape = {-1, weights.size(0), windows.positions(0, length)};
    LayerOutput out = new LayerOutput(sd.reshape(z, shape), shape);
    // DL4J's softmax runs along the last axis of the sequence's own format
    return context.activate(
        conf.getActivationFn(),
        conf.getRnnDataFormat() == RNNFormat.NWC ? Sequences.swapped(context, out) : out);
  }
}
