package org.backpack4j.dl4j.internal.convert;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A layer or a vertex of a network.
 *
 * @param name its name; of a layer of a MultiLayerNetwork, its number
 * @param inputs what it reads: names of network inputs or of earlier steps
 * @param layer the layer's configuration; null for a vertex
 * @param vertex the vertex' configuration; null for a layer
 * @param preprocessor what its input passes through first
 * @param parameters its arrays, by DL4J's keys ("W", "b")
 * @param running what DL4J computes it with; null for vertices without a layer
 * @param output whether it is one of the network's outputs
 */
record NetworkNode(
    String name,
    List<String> inputs,
    @Nullable Layer layer,
    @Nullable GraphVertex vertex,
    @Nullable InputPreProcessor preprocessor,
    Supplier<Map<String, INDArray>> parameters,
    org.deeplearning4j.nn.api.@Nullable Layer running,
    boolean output) {

  /** The configuration: a layer's or a vertex'. */
  Object conf() {
    return layer != null ? layer : vertex != null ? vertex : "nothing";
  }

  /** The name of a parameter. */
  String parameter(String key) {
    return name + "_" + key;
  }

  /** The parameters as noise has changed them, by DL4J's keys. */
  Map<String, INDArray> noisyParameters() {
    return running == null ? Map.of() : RuntimeLayers.noisyParameters(running);
  }

  String where() {
    return (layer != null ? "layer" : "vertex")
        + " \""
        + name
        + "\" ("
        + conf().getClass().getSimpleName()
        + ")";
  }
}
