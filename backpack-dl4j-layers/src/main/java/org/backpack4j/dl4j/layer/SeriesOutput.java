package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** {@code RnnOutputLayer}: σ(x W + b) and the loss of every step. */
final class SeriesOutput implements LayerConverter<RnnOutputLayer> {
  @Override
  public void check(RnnOutputLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
  }

  @Override
  public @Nullable Value mask(RnnOutputLayer conf, Site site) {
    return null; // DL4J does not look at it here, either
  }

  @Override
  public Value convert(RnnOutputLayer conf, Site site) {
    Series series = new Series(site, site.input(), conf.getRnnDataFormat());
    Value mask = labelMask(site, series, conf.getRnnDataFormat());
    Value z = Rows.masked(Rows.affine(site, series.rows()), mask);
    addLoss(conf.getLossFn(), conf.getActivationFn(), z, mask, series, site);
    Value y = Rows.masked(site.activate(conf.getActivationFn(), z), mask);
    return series.ofRows(y);
  }

  /** The labels' mask as rows [N·T, 1], or [N·T, C] if it is one of single values. */
  static @Nullable Value labelMask(Site site, Series series, @Nullable RNNFormat format) {
    Value mask = site.output() ? site.labelMask() : null;
    if (mask == null) {
      return null;
    }
    return mask.rank() == 3
        ? new Series(site, mask, format).rows()
        : new Value(site.sd().reshape(mask.variable(), -1, 1), -1, 1);
  }

  /** Adds the loss of rows [N·T, C], if the layer is an output. */
  static void addLoss(
      ILossFunction loss,
      IActivation activation,
      Value z,
      @Nullable Value mask,
      Series series,
      Site site) {
    if (!site.output()) {
      return;
    }
    long columns = site.labelColumns(loss, z.size(1));
    long[] shape = {-1, columns, columns};
    shape[series.time()] = series.length();
    SDVariable labels = site.labels(shape);
    SDVariable rows = series.like(new Value(labels, shape)).rows().variable();
    site.loss(loss, activation, z, rows, mask, series.length());
  }
}
