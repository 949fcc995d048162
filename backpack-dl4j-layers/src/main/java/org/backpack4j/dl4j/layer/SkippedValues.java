package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.util.TimeSeriesUtils;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code MaskZeroLayer}: the layer inside is given a mask that leaves out the steps whose features
 * all have one value.
 */
final class SkippedValues implements LayerConverter<MaskZeroLayer> {
  @Override
  public void check(MaskZeroLayer conf, Obstacles obstacles) {
    obstacles.layer(conf.getUnderlying());
    obstacles.addIf(
        !(conf.getUnderlying() instanceof BaseRecurrentLayer)
            && TimeSeriesUtils.getFormatFromRnnLayer(conf) == RNNFormat.NWC,
        "in the format NWC DL4J takes steps for features unless the layer inside is an LSTM,"
            + " GravesLSTM or SimpleRnn",
        "use the format NCW");
  }

  @Override
  public @Nullable Value mask(MaskZeroLayer conf, Site site) {
    return null;
  }

  @Override
  public Value convert(MaskZeroLayer conf, Site site) {
    Value x = site.input();
    SDVariable mask = mask(conf, site, x);
    Value masked = x.withMask(new Value(mask, -1, new Series(site, x, format(conf)).length()));
    return site.inner(conf.getUnderlying(), "", masked, true);
  }

  /** [N, T]: 0 for the steps whose features all have the value, else 1. */
  static SDVariable mask(MaskZeroLayer conf, Site site, Value x) {
    Series series = new Series(site, x, format(conf));
    SDVariable others =
        series.samplesTimeFeatures().neq(conf.getMaskingValue()).castTo(site.type()).sum(2);
    return others.gt(0).castTo(site.type());
  }

  private static @Nullable RNNFormat format(MaskZeroLayer conf) {
    return TimeSeriesUtils.getFormatFromRnnLayer(conf);
  }
}
