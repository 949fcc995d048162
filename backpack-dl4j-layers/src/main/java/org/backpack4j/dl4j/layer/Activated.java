package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;

/** {@code ActivationLayer}: σ(x). */
final class Activated implements LayerConverter<ActivationLayer> {
  @Override
  public void check(ActivationLayer conf, Obstacles obstacles) {
    obstacles.activation(conf.getActivationFn());
  }

  @Override
  public Value convert(ActivationLayer conf, Site site) {
    return site.activate(conf.getActivationFn(), site.input());
  }
}
