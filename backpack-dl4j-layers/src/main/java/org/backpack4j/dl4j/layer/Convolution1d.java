package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
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
final class Convolution1d implements LayerConverter<Convolution1DLayer> {
  @Override
  public @Nullable Value mask(Convolution1DLayer conf, Site site) {
    if (site.input().mask() != null && conf.getRnnDataFormat() == RNNFormat.NWC) {
      throw site.refuse(
          "a mask of the features reaches it, and in the format NWC DL4J takes steps for features",
          "use the format NCW, or train without features' masks");
    }
    return PooledMask.ofSteps(site, Convolution.windows(conf));
  }

  @Override
  public Value convert(Convolution1DLayer conf, Site site) {
    SameDiff sd = site.sd();
    Value x = Sequences.channelsFirst(site, conf.getRnnDataFormat());
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
    Value weights = site.parameter("W");
    SDVariable w = sd.reshape(weights.variable(), kernel, 1, weights.size(1), weights.size(0));
    Conv2DConfig config = Convolution.config(windows, "NCHW", WeightsFormat.YXIO);
    SDVariable bias = Convolution.bias(site, conf.hasBias(), weights.size(0));
    SDVariable z =
        bias == null ? sd.cnn().conv2d(image, w, config) : sd.cnn().conv2d(image, w, bias, config);
    long[] shape = {-1, weights.size(0), windows.positions(0, length)};
    Value out = new Value(sd.reshape(z, shape), shape);
    // DL4J's softmax runs along the last axis of the sequence's own format
    return site.activate(
        conf.getActivationFn(),
        conf.getRnnDataFormat() == RNNFormat.NWC ? Sequences.swapped(site, out) : out);
  }
}
