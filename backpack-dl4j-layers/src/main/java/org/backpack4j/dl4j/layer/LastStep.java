package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.FeatureMask;
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
  public @Nullable Value mask(LastTimeStep conf, Site site) {
    return null;
  }

  @Override
  public Value convert(LastTimeStep conf, Site site) {
    Value x = site.input();
    Value all = site.inner(conf.getUnderlying(), "", x, true);
    RNNFormat format = TimeSeriesUtils.getFormatFromRnnLayer(conf.getUnderlying());
    SDVariable mask =
        conf.getUnderlying() instanceof MaskZeroLayer zero
            ? SkippedValues.mask(zero, site, x)
            : FeatureMask.ofSteps(site, x, new Series(site, x, format).length());
    return LastSteps.of(site, all, new Series(site, all, format).time(), mask);
  }
}
