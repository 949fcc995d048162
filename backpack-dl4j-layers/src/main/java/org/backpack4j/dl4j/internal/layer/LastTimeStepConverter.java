package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
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
final class LastTimeStepConverter implements LayerConverter<LastTimeStep> {
  @Override
  public void check(LastTimeStep conf, Obstacles obstacles) {
    obstacles.layer(conf.getUnderlying());
  }

  @Override
  public @Nullable LayerOutput mask(LastTimeStep conf, ConversionContext context) {
    return null;
  }

  @Override
  public LayerOutput convert(LastTimeStep conf, ConversionContext context) {
    LayerOutput x = context.input();
    LayerOutput all = context.inner(conf.getUnderlying(), "", x, true);
    RNNFormat format = TimeSeriesUtils.getFormatFromRnnLayer(conf.getUnderlying());
    SDVariable mask =
        conf.getUnderlying() instanceof MaskZeroLayer zero
            ? MaskZeroLayerConverter.mask(zero, context, x)
            : FeatureMask.ofSteps(context, x, new Series(context, x, format).length());
    return LastSteps.of(context, all, new Series(context, all, format).time(), mask);
  }
}
