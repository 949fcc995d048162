package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;

/**
 * A layer that a mask of the features must not reach.
 *
 * @param layer the converter of the layer
 * @param reason what DL4J does with a mask there
 */
record Unmasked<L extends Layer>(LayerConverter<L> layer, String reason)
    implements LayerConverter<L> {
  @Override
  public void check(L conf, Obstacles obstacles) {
    layer.check(conf, obstacles);
  }

  @Override
  public @Nullable Value mask(L conf, Site site) {
    FeatureMask.refuse(site, reason);
    return null;
  }

  @Override
  public Value convert(L conf, Site site) {
    return layer.convert(conf, site);
  }
}
