package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.OutputLayer;

/** {@code OutputLayer}: a dense layer with a loss behind it. */
final class OutputLayerConverter implements LayerConverter<OutputLayer> {
  @Override
  public void check(OutputLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
  }

  @Override
  public LayerOutput convert(OutputLayer conf, ConversionContext context) {
    LayerOutput mask = LossLayerConverter.mask(context, conf.getNOut());
    LayerOutput z = Rows.masked(Rows.affine(context, context.input()), mask);
    LossLayerConverter.add(conf.getLossFn(), conf.getActivationFn(), z, mask, context);
    return Rows.masked(context.activate(conf.getActivationFn(), z), mask);
  }
}
