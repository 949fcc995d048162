package org.backpack4j.dl4j.internal.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The listeners that read activations, if there are any: others need not have them computed. */
final class ForwardListeners {
  private final List<TrainingListener> listeners;

  /** By the names of layers and vertices, the variables with their activations. */
  private final Map<String, String> variables;

  private ForwardListeners(List<TrainingListener> listeners, Map<String, String> variables) {
    this.listeners = listeners;
    this.variables = variables;
  }

  static ForwardListeners of(Model net, ConvertedGraph network) {
    Class<?> kind = net instanceof ComputationGraph ? Map.class : List.class;
    List<TrainingListener> reading = new ArrayList<>();
    for (TrainingListener listener : NetworkFields.listeners(net)) {
      if (reads(listener, kind) && QuantityListener.of(listener).isEmpty()) {
        reading.add(listener);
      }
    }
    Map<String, String> variables = new LinkedHashMap<>();
    if (!reading.isEmpty()) {
      variables.putAll(network.activations());
      variables.keySet().removeAll(network.losses().keySet()); // of outputs DL4J tells none
      variables.keySet().removeAll(inputs(net));
    }
    return new ForwardListeners(reading, variables);
  }

  private static List<String> inputs(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getConfiguration().getNetworkInputs()
        : List.of("input");
  }

  private static boolean reads(TrainingListener listener, Class<?> kind) {
    try {
      Class<?> owner =
          listener.getClass().getMethod("onForwardPass", Model.class, kind).getDeclaringClass();
      return owner != BaseTrainingListener.class && owner != TrainingListener.class;
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException("This is not the DL4J that this was made for.", e);
    }
  }

  /** The variables that are needed. */
  java.util.Collection<String> names() {
    return variables.values();
  }

  /** Tells them of the activations. */
  void tell(Model net, NetworkBatch batch, Map<String, INDArray> results) {
    if (listeners.isEmpty()) {
      return;
    }
    Map<String, INDArray> named = new LinkedHashMap<>();
    List<String> inputs = inputs(net);
    for (int k = 0; k < inputs.size(); k++) {
      named.put(inputs.get(k), batch.features()[k]);
    }
    variables.forEach(
        (name, variable) -> named.put(name, Objects.requireNonNull(results.get(variable))));
    for (TrainingListener listener : listeners) {
      if (net instanceof MultiLayerNetwork) {
        listener.onForwardPass(net, new ArrayList<>(named.values()));
      } else {
        listener.onForwardPass(net, named);
      }
    }
  }
}
