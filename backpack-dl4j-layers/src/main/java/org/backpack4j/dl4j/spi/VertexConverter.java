package org.backpack4j.dl4j.spi;

import org.deeplearning4j.nn.conf.graph.GraphVertex;

/**
 * Converts vertices of one class of configuration. It has no state.
 *
 * @param <V> the class of the vertices' configuration
 */
public interface VertexConverter<V extends GraphVertex> {
  /**
   * Finds what cannot be converted, from the configuration alone.
   *
   * @param conf the vertex' configuration
   * @param obstacles where to add what stands in the way
   */
  default void check(V conf, Obstacles obstacles) {}

  /**
   * Emits the vertex' forward pass, and hands a mask of the features on as DL4J does.
   *
   * @param conf the vertex' configuration
   * @param context the vertex' inputs and the graph
   * @return what the vertex hands on, with its mask
   * @throws ConversionException by {@link ConversionContext#refuse}, if shapes or masks stand in
   *     the way
   */
  LayerOutput convert(V conf, ConversionContext context);
}
