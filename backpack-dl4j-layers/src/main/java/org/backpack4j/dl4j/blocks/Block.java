package org.backpack4j.dl4j.blocks;

import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.layers.Layer;

/** A part of a graph with one input and one output. */
@FunctionalInterface
public interface Block {
  /**
   * Adds the part to a graph.
   *
   * @param graph the graph
   * @param name what the names of the part's layers and vertices begin with
   * @param input the layer, vertex or network input that it reads
   * @return the layer or vertex that answers its result; the input if there is nothing in between
   */
  String addTo(GraphBuilder graph, String name, String input);

  /**
   * Nothing: a skip connection.
   *
   * @return a block that answers its input
   */
  static Block identity() {
    return (graph, name, input) -> input;
  }

  /**
   * A layer.
   *
   * @param layer its configuration
   * @return a block that is named as the layer
   */
  static Block of(Layer layer) {
    return (graph, name, input) -> {
      graph.addLayer(name, layer, input);
      return name;
    };
  }

  /**
   * Blocks one after the other, named {@code name.0}, {@code name.1} and so on.
   *
   * @param blocks the blocks
   * @return all of them
   */
  static Block sequence(Block... blocks) {
    return (graph, name, input) -> {
      String last = input;
      for (int k = 0; k < blocks.length; k++) {
        last = blocks[k].addTo(graph, name + "." + k, last);
      }
      return last;
    };
  }
}
