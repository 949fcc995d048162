package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code RnnLossLayer}: σ(x) and the loss of every step. Without a mask of the labels that of the
 * features is taken.
 */
final class RnnLossLayerConverter implements LayerConverter<RnnLossLayer> {
  @Override
  public void check(RnnLossLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
    obstacles.addIf(
        conf.getRnnDataFormat() == RNNFormat.NWC,
        "DL4J takes the input for the labels when it computes the score of the format NWC",
        "use the format NCW");
  }

  @Override
  public @Nullable LayerOutput mask(RnnLossLayer conf, ConversionContext context) {
    return null;
  }

  @Override
  public LayerOutput convert(RnnLossLayer conf, ConversionContext context) {
    Series series = new Series(context, context.input(), conf.getRnnDataFormat());
    LayerOutput mask = RnnOutputLayerConverter.labelMask(context, series, conf.getRnnDataFormat());
    SDVariable features = FeatureMask.ofSteps(context, context.input(), series.length());
    if (mask == null && features != null) {
      mask = new LayerOutput(context.sd().reshape(features, -1, 1), -1, 1);
    }
    LayerOutput z = series.rows();
    RnnOutputLayerConverter.addLoss(
        conf.getLossFn(), conf.getActivationFn(), z, mask, series, context);
    return series.ofRows(context.activate(conf.getActivationFn(), z));
  }
}
