package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code RnnLossLayer}: σ(x) and the loss of every step. Without a mask of the labels that of the
 * features is taken.
 */
final class SeriesLoss implements LayerConverter<RnnLossLayer> {
  @Override
  public void check(RnnLossLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
    obstacles.addIf(
        conf.getRnnDataFormat() == RNNFormat.NWC,
        "DL4J takes the input for the labels when it computes the score of the format NWC",
        "use the format NCW");
  }

  @Override
  public @Nullable Value mask(RnnLossLayer conf, Site site) {
    return null;
  }

  @Override
  public Value convert(RnnLossLayer conf, Site site) {
    Series series = new Series(site, site.input(), conf.getRnnDataFormat());
    Value mask = SeriesOutput.labelMask(site, series, conf.getRnnDataFormat());
    SDVariable features = FeatureMask.ofSteps(site, site.input(), series.length());
    if (mask == null && features != null) {
      mask = new Value(site.sd().reshape(features, -1, 1), -1, 1);
    }
    Value z = series.rows();
    SeriesOutput.addLoss(conf.getLossFn(), conf.getActivationFn(), z, mask, series, site);
    return series.ofRows(site.activate(conf.getActivationFn(), z));
  }
}
