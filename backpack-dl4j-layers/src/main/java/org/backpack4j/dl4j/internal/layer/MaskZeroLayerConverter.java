package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
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
final class MaskZeroLayerConverter implements LayerConverter<MaskZeroLayer> {
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
  public @Nullable LayerOutput mask(MaskZeroLayer conf, ConversionContext context) {
    return null;
  }

  @Override
  public LayerOutput convert(MaskZeroLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    SDVariable mask = mask(conf, context, x);
    LayerOutput masked =
        x.withMask(new LayerOutput(mask, -1, new Series(context, x, format(conf)).length()));
    return context.inner(conf.getUnderlying(), "", masked, true);
  }

  /** [N, T]: 0 for the steps whose features all have the value, else 1. */
  static SDVariable mask(MaskZeroLayer conf, ConversionContext context, LayerOutput x) {
    Series series = new Series(context, x, format(conf));
    SDVariable others =
        series.samplesTimeFeatures().neq(conf.getMaskingValue()).castTo(context.type()).sum(2);
    return others.gt(0).castTo(context.type());
  }

  private static @Nullable RNNFormat format(MaskZeroLayer conf) {
    return TimeSeriesUtils.getFormatFromRnnLayer(conf);
  }
}
