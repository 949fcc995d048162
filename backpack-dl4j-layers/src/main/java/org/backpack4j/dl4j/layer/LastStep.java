package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.util.TimeSeriesUtils;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code LastTimeStep}: the last step that a recurrent layer answers, or each sample's last one
 * that is not masked. The layer inside applies the mask.
 */
final class LastStep implements LayerConverter<LastTimeStep> {
  @Override
  public void check(LastTimeStep conf, Obstacles obstacles) {
    obstacles.layer(conf.getUnderlying());
  }

  @Override
  public boolean readsMask() {
    return true;
  }

  @Override
  public Value convert(LastTimeStep conf, Site site) {
    Value x = site.input();
    Value all = site.inner(conf.getUnderlying(), "", x, true);
    SDVariable mask =
        conf.getUnderlying() instanceof MaskZeroLayer zero
            ? SkippedValues.mask(zero, site, x)
            : x.mask();
    RNNFormat format = TimeSeriesUtils.getFormatFromRnnLayer(conf.getUnderlying());
    return of(site, all, format, mask);
  }

  /** The last step [N, F] of a series, or each sample's last one with a mask that is not zero. */
  static Value of(Site site, Value all, @Nullable RNNFormat format, @Nullable SDVariable mask) {
    Series series = new Series(site, all, format);
    long width = series.features();
    int time = series.time();
    if (mask == null) {
      SDVariable[] steps = site.sd().unstack(all.variable(), time, series.length());
      return new Value(steps[series.length() - 1], -1, width);
    }
    SDVariable last = SkippedValues.last(site, mask, series.length());
    long[] spread = {-1, 1, 1};
    spread[time] = series.length();
    SDVariable chosen = all.variable().mul(site.sd().reshape(last, spread));
    return new Value(chosen.sum(time), -1, width);
  }
}
