package org.backpack4j.dl4j.internal.convert;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What both kinds of networks have in common.
 *
 * @param type the type of parameters and activations
 * @param inputs the names of the inputs
 * @param outputs the names of the outputs, in DL4J's order
 * @param steps layers and vertices, in an order in which they can be computed
 * @param truncated whether it is trained by truncated backpropagation through time
 */
record Network(
    DataType type,
    List<String> inputs,
    List<String> outputs,
    List<NetworkNode> steps,
    boolean truncated) {
  /** The name of a MultiLayerNetwork's only input. */
  static final String INPUT = "input";

  static Network of(Model model) {
    return of(model, true);
  }

  /**
   * A network.
   *
   * @param kept whether what looks parameters up keeps the model; without, it finds none any more
   *     when the model is gone
   */
  static Network of(Model model, boolean kept) {
    if (model instanceof ComputationGraph graph) {
      return of(graph, kept);
    }
    if (model instanceof MultiLayerNetwork network) {
      return of(network, kept);
    }
    throw new IllegalArgumentException(
        "Only a ComputationGraph or a MultiLayerNetwork can be converted, not a "
            + model.getClass().getName()
            + ".");
  }

  private static Network of(ComputationGraph graph, boolean kept) {
    graph.init();
    ComputationGraphConfiguration conf = graph.getConfiguration();
    Set<String> outputs = Set.copyOf(conf.getNetworkOutputs());
    List<NetworkNode> steps = new ArrayList<>();
    for (int index : graph.topologicalSortOrder()) {
      org.deeplearning4j.nn.graph.vertex.GraphVertex vertex = graph.getVertices()[index];
      if (vertex.isInputVertex()) {
        continue;
      }
      String name = vertex.getVertexName();
      org.deeplearning4j.nn.conf.graph.GraphVertex settings = conf.getVertices().get(name);
      LayerVertex layer = settings instanceof LayerVertex l ? l : null;
      steps.add(
          new NetworkNode(
              name,
              List.copyOf(conf.getVertexInputs().get(name)),
              layer == null ? null : layer.getLayerConf().getLayer(),
              layer == null ? settings : null,
              layer == null ? null : layer.getPreProcessor(),
              table(vertex, v -> v.paramTable(false), kept),
              vertex.getLayer(),
              outputs.contains(name)));
    }
    return new Network(
        conf.getDataType(),
        List.copyOf(conf.getNetworkInputs()),
        List.copyOf(conf.getNetworkOutputs()),
        List.copyOf(steps),
        conf.getBackpropType() == BackpropType.TruncatedBPTT);
  }

  private static Network of(MultiLayerNetwork network, boolean kept) {
    network.init();
    MultiLayerConfiguration conf = network.getLayerWiseConfigurations();
    int layers = network.getnLayers();
    List<NetworkNode> steps = new ArrayList<>();
    for (int k = 0; k < layers; k++) {
      org.deeplearning4j.nn.api.Layer layer = network.getLayer(k);
      steps.add(
          new NetworkNode(
              Integer.toString(k),
              List.of(k == 0 ? INPUT : Integer.toString(k - 1)),
              conf.getConf(k).getLayer(),
              null,
              conf.getInputPreProcess(k),
              table(layer, l -> l.paramTable(false), kept),
              layer,
              k == layers - 1));
    }
    return new Network(
        conf.getDataType(),
        List.of(INPUT),
        List.of(Integer.toString(layers - 1)),
        List.copyOf(steps),
        conf.getBackpropType() == BackpropType.TruncatedBPTT);
  }

  /** Looks parameters up each time: training may have exchanged them. */
  private static <T> Supplier<Map<String, INDArray>> table(
      T owner, Function<T, Map<String, INDArray>> parameters, boolean kept) {
    if (kept) {
      return () -> parameters.apply(owner);
    }
    WeakReference<T> weak = new WeakReference<>(owner);
    return () -> {
      T living = weak.get();
      return living == null ? Map.of() : parameters.apply(living);
    };
  }
}
