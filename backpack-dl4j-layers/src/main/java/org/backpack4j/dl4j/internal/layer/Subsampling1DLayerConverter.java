package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.jspecify.annotations.Nullable;

/** {@code Subsampling1DLayer}: pooling of sequences [N, C, T], as images of width one. */
final class Subsampling1DLayerConverter implements LayerConverter<Subsampling1DLayer> {
  @Override
  public void check(Subsampling1DLayer conf, Obstacles obstacles) {
    obstacles.addIf(
        !SubsamplingLayerConverter.known(conf.getPoolingType()),
        "pooling by " + conf.getPoolingType() + " is not supported",
        "use MAX, AVG or PNORM");
    obstacles.addIf(
        conf.getCnn2dDataFormat() != CNN2DFormat.NCHW,
        "sequences with the channels last are not supported",
        "use sequences [N, C, T]");
  }

  @Override
  public @Nullable LayerOutput mask(Subsampling1DLayer conf, ConversionContext context) {
    return PooledMask.ofSteps(context, SubsamplingLayerConverter.windows(conf));
  }

  @Override
  public LayerOutput convert(Subsampling1DLayer conf, ConversionContext context) {
    LayerOutput x = Sequences.channelsFirst(context, RNNFormat.NCW);
    long[] image = {-1, x.size(1), x.size(2), 1};
    LayerOutput pooled =
        SubsamplingLayerConverter.pool(
            conf, context, new LayerOutput(context.sd().reshape(x.variable(), image), image));
    long[] shape = {-1, x.size(1), pooled.size(2)};
    return new LayerOutput(context.sd().reshape(pooled.variable(), shape), shape);
  }
}
