package org.backpack4j.dl4j.spi;

import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;

/**
 * Converts layers of one class of configuration. It has no state.
 *
 * @param <L> the class of the layers' configuration
 */
public interface LayerConverter<L extends Layer> {
  /**
   * Finds what cannot be converted, from the configuration alone. It is called for every layer
   * before any is converted, so that all obstacles are told at once.
   *
   * @param conf the layer's configuration
   * @param obstacles where to add what stands in the way
   */
  default void check(L conf, Obstacles obstacles) {}

  /**
   * The features' mask that the layer hands on. By default it is that of the input, as it is: most
   * of DL4J's layers hand it on and do not look at it.
   *
   * @param conf the layer's configuration
   * @param context the layer's input, before dropout, and the graph
   * @return the mask, or null for none
   * @throws ConversionException by {@link ConversionContext#refuse}, if DL4J has no use for such a
   *     mask here
   */
  default @Nullable LayerOutput mask(L conf, ConversionContext context) {
    return context.input().mask();
  }

  /**
   * Emits the layer's forward pass, in training mode. The mask of what it answers is {@link #mask}.
   *
   * @param conf the layer's configuration
   * @param context the layer's input, parameters, and the graph
   * @return the layer's activations
   * @throws ConversionException by {@link ConversionContext#refuse}, if the shapes stand in the way
   */
  LayerOutput convert(L conf, ConversionContext context);
}
