package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** {@code RnnOutputLayer}: σ(x W + b) and the loss of every step. */
final class RnnOutputLayerConverter implements LayerConverter<RnnOutputLayer> {
  @Override
  public void check(RnnOutputLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
  }

  @Override
  public @Nullable LayerOutput mask(RnnOutputLayer conf, ConversionContext context) {
    return null; // DL4J does not look at it here, either
  }

  @Override
  public LayerOutput convert(RnnOutputLayer conf, ConversionContext context) {
    Series series = new Series(context, context.input(), conf.getRnnDataFormat());
    LayerOutput mask = labelMask(context, series, conf.getRnnDataFormat());
    LayerOutput z = Rows.masked(Rows.affine(context, series.rows()), mask);
    addLoss(conf.getLossFn(), conf.getActivationFn(), z, mask, series, context);
    LayerOutput y = Rows.masked(context.activate(conf.getActivationFn(), z), mask);
    return series.ofRows(y);
  }

  /** The labels' mask as rows [N·T, 1], or [N·T, C] if it is one of single values. */
  static @Nullable LayerOutput labelMask(
      ConversionContext context, Series series, @Nullable RNNFormat format) {
    LayerOutput mask = context.output() ? context.labelMask() : null;
    if (mask == null) {
      return null;
    }
    return mask.rank() == 3
        ? new Series(context, mask, format).rows()
        : new LayerOutput(context.sd().reshape(mask.variable(), -1, 1), -1, 1);
  }

  /** Adds the loss of rows [N·T, C], if the layer is an output. */
  static void addLoss(
      ILossFunction loss,
      IActivation activation,
      LayerOutput z,
      @Nullable LayerOutput mask,
      Series series,
      ConversionContext context) {
    if (!context.output()) {
      return;
    }
    long columns = context.labelColumns(loss, z.size(1));
    long[] shape = {-1, columns, columns};
    shape[series.time()] = series.length();
    SDVariable labels = context.labels(shape);
    SDVariable rows = series.like(new LayerOutput(labels, shape)).rows().variable();
    context.loss(loss, activation, z, rows, mask, series.length());
  }
}
