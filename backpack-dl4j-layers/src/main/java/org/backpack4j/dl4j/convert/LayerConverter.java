package org.backpack4j.dl4j.convert;

import org.deeplearning4j.nn.conf.layers.Layer;

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
   * Whether the layer knows what to do with a mask that comes with its input. If it doesn't, a
   * network that is fed a mask which reaches the layer is refused.
   *
   * @return whether it passes the mask on or uses it
   */
  default boolean readsMask() {
    return false;
  }

  /**
   * Emits the layer's forward pass, in training mode.
   *
   * @param conf the layer's configuration
   * @param site the layer's input, parameters, and the graph
   * @return the layer's activations
   * @throws Unconvertible by {@link Site#refuse}, if the shapes stand in the way
   */
  Value convert(L conf, Site site);
}
