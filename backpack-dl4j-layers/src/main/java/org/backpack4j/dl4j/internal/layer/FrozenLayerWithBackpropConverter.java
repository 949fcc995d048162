package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.jspecify.annotations.Nullable;

/** {@code FrozenLayerWithBackprop}: the layer inside in evaluation mode, not trained. */
final class FrozenLayerWithBackpropConverter implements LayerConverter<FrozenLayerWithBackprop> {
  @Override
  public void check(FrozenLayerWithBackprop conf, Obstacles obstacles) {
    obstacles.frozen(conf.getUnderlying());
  }

  @Override
  public @Nullable LayerOutput mask(FrozenLayerWithBackprop conf, ConversionContext context) {
    return context.innerMask(conf.getUnderlying(), context.input());
  }

  @Override
  public LayerOutput convert(FrozenLayerWithBackprop conf, ConversionContext context) {
    return context.frozen(conf.getUnderlying(), context.input());
  }
}
