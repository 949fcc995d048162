package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.jspecify.annotations.Nullable;

/** {@code FrozenLayerWithBackprop}: the layer inside in evaluation mode, not trained. */
final class FrozenWithBackprop implements LayerConverter<FrozenLayerWithBackprop> {
  @Override
  public void check(FrozenLayerWithBackprop conf, Obstacles obstacles) {
    obstacles.frozen(conf.getUnderlying());
  }

  @Override
  public @Nullable Value mask(FrozenLayerWithBackprop conf, Site site) {
    return site.innerMask(conf.getUnderlying(), site.input());
  }

  @Override
  public Value convert(FrozenLayerWithBackprop conf, Site site) {
    return site.frozen(conf.getUnderlying(), site.input());
  }
}
