package org.backpack4j.dl4j.layer;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * {@code GlobalPoolingLayer}: the maximum, average, sum or p-norm over all positions, by default
 * all axes behind the channels.
 */
final class GlobalPooling implements LayerConverter<GlobalPoolingLayer> {
  @Override
  public Value convert(GlobalPoolingLayer conf, Site site) {
    Value x = site.input();
    int[] axes =
        conf.getPoolingDimensions() != null
            ? conf.getPoolingDimensions()
            : IntStream.range(2, x.rank()).toArray();
    SameDiff sd = site.sd();
    SDVariable v = x.variable();
    SDVariable pooled =
        switch (conf.getPoolingType()) {
          case MAX -> v.max(axes);
          case AVG -> v.mean(axes);
          case SUM -> v.sum(axes);
          case PNORM -> {
            SDVariable sum = sd.math().pow(sd.math().abs(v), conf.getPnorm()).sum(axes);
            yield sd.math().pow(sum, 1.0 / conf.getPnorm());
          }
        };
    long[] kept =
        IntStream.range(0, x.rank())
            .filter(k -> Arrays.stream(axes).noneMatch(a -> a == k))
            .mapToLong(x::size)
            .toArray();
    if (conf.isCollapseDimensions()) {
      return new Value(pooled, kept);
    }
    long[] shape = new long[x.rank()];
    Arrays.fill(shape, 1);
    shape[0] = -1;
    shape[1] = x.size(1);
    return new Value(sd.reshape(pooled, shape), shape);
  }
}
