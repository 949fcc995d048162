package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;

/** {@code ActivationLayer}: σ(x). */
final class ActivationLayerConverter implements LayerConverter<ActivationLayer> {
  @Override
  public void check(ActivationLayer conf, Obstacles obstacles) {
    obstacles.activation(conf.getActivationFn());
  }

  @Override
  public LayerOutput convert(ActivationLayer conf, ConversionContext context) {
    return context.activate(conf.getActivationFn(), context.input());
  }
}
