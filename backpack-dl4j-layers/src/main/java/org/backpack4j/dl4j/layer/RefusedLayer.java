package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
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
  public Value convert(Layer conf, Site site) {
    throw site.refuse(reason, remedy);
  }
}
