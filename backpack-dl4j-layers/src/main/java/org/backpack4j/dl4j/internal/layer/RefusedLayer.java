package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.Layer;

/**
 * A layer that cannot be converted whatever its settings are.
 *
 * @param reason why
 * @param remedy what to do
 */
record RefusedLayer(String reason, String remedy) implements LayerConverter<Layer> {
  @Override
  public void check(Layer conf, Obstacles obstacles) {
    obstacles.add(reason, remedy);
  }

  @Override
  public LayerOutput convert(Layer conf, ConversionContext context) {
    throw context.refuse(reason, remedy);
  }
}
