package org.backpack4j.dl4j.convert;

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
   * Whether the vertex knows what to do with a mask that comes with its inputs.
   *
   * @return whether it passes the mask on or uses it
   */
  default boolean readsMask() {
    return false;
  }

  /**
   * Emits the vertex' forward pass.
   *
   * @param conf the vertex' configuration
   * @param site the vertex' inputs and the graph
   * @return what the vertex hands on
   * @throws Unconvertible by {@link Site#refuse}, if the shapes stand in the way
   */
  Value convert(V conf, Site site);
}
