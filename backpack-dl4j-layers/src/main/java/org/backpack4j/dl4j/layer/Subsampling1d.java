package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.jspecify.annotations.Nullable;

/** {@code Subsampling1DLayer}: pooling of sequences [N, C, T], as images of width one. */
final class Subsampling1d implements LayerConverter<Subsampling1DLayer> {
  @Override
  public void check(Subsampling1DLayer conf, Obstacles obstacles) {
    obstacles.addIf(
        !Subsampling.known(conf.getPoolingType()),
        "pooling by " + conf.getPoolingType() + " is not supported",
        "use MAX, AVG or PNORM");
    obstacles.addIf(
        conf.getCnn2dDataFormat() != CNN2DFormat.NCHW,
        "sequences with the channels last are not supported",
        "use sequences [N, C, T]");
  }

  @Override
  public @Nullable Value mask(Subsampling1DLayer conf, Site site) {
    return PooledMask.ofSteps(site, Subsampling.windows(conf));
  }

  @Override
  public Value convert(Subsampling1DLayer conf, Site site) {
    Value x = Sequences.channelsFirst(site, RNNFormat.NCW);
    long[] image = {-1, x.size(1), x.size(2), 1};
    Value pooled =
        Subsampling.pool(conf, site, new Value(site.sd().reshape(x.variable(), image), image));
    long[] shape = {-1, x.size(1), pooled.size(2)};
    return new Value(site.sd().reshape(pooled.variable(), shape), shape);
  }
}
