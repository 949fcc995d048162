package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.DenseLayer;

/**
 * {@code DenseLayer}: σ(x W + b), x [N, I], W [I, O], with layer normalisation before the bias.
 * Rows that are masked are zero.
 */
final class DenseLayerConverter implements LayerConverter<DenseLayer> {
  @Override
  public LayerOutput convert(DenseLayer conf, ConversionContext context) {
    return Rows.shown(
        context, context.activate(conf.getActivationFn(), Rows.affine(context, context.input())));
  }
}
