package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/**
 * {@code FrozenLayer}: the layer inside in evaluation mode, not trained. DL4J's gradient ends here:
 * what comes before is not trained through it either.
 */
final class Frozen implements LayerConverter<FrozenLayer> {
  @Override
  public void check(FrozenLayer conf, Obstacles obstacles) {
    obstacles.frozen(conf.getLayer());
  }

  @Override
  public @Nullable Value mask(FrozenLayer conf, Site site) {
    return site.innerMask(conf.getLayer(), site.input());
  }

  @Override
  public Value convert(FrozenLayer conf, Site site) {
    Value inside = site.frozen(conf.getLayer(), site.input());
    return inside.with(new StopGradient(site.sd(), inside.variable()).outputVariable());
  }
}
