package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
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
  public @Nullable LayerOutput mask(L conf, ConversionContext context) {
    FeatureMask.refuse(context, reason);
    return null;
  }

  @Override
  public LayerOutput convert(L conf, ConversionContext context) {
    return layer.convert(conf, context);
  }
}
