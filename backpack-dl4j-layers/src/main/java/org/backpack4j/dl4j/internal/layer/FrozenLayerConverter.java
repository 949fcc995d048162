package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/**
 * {@code FrozenLayer}: the layer inside in evaluation mode, not trained. DL4J's gradient ends here:
 * what comes before is not trained through it either.
 */
final class FrozenLayerConverter implements LayerConverter<FrozenLayer> {
  @Override
  public void check(FrozenLayer conf, Obstacles obstacles) {
    obstacles.frozen(conf.getLayer());
  }

  @Override
  public @Nullable LayerOutput mask(FrozenLayer conf, ConversionContext context) {
    return context.innerMask(conf.getLayer(), context.input());
  }

  @Override
  public LayerOutput convert(FrozenLayer conf, ConversionContext context) {
    LayerOutput inside = context.frozen(conf.getLayer(), context.input());
    return inside.with(new StopGradient(context.sd(), inside.variable()).outputVariable());
  }
}
