package org.backpack4j.dl4j.internal.convert;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.samediff.internal.nd4j.SharedArrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A network's parameters as variables of a graph that shares their arrays. */
final class SharedParameters {
  private final SameDiff graph;

  /** Views of the network's flat vector of parameters, looked up each time. */
  private final SharedArrays arrays = new SharedArrays();

  private final Map<String, INDArray> noisy = new ConcurrentHashMap<>();
  private final Map<String, LayerOutput> parameters = new LinkedHashMap<>();
  private final Set<String> trained = new TreeSet<>();

  /**
   * None yet.
   *
   * @param graph a graph without variables
   */
  SharedParameters(SameDiff graph) {
    this.graph = graph;
    graph.setArrayHolders(arrays, arrays, false);
  }

  /** A parameter of a step. */
  LayerOutput of(NetworkNode step, String key, boolean train) {
    String name = step.parameter(key);
    if (train) {
      trained.add(name);
    }
    return parameters.computeIfAbsent(name, n -> share(n, step, key));
  }

  private LayerOutput share(String name, NetworkNode step, String key) {
    INDArray array = step.parameters().get().get(key);
    if (array == null) {
      throw new IllegalStateException(
          step.where()
              + " has no parameter \""
              + key
              + "\"; it has "
              + step.parameters().get().keySet()
              + ".");
    }
    long[] dims = array.shape();
    SDVariable variable =
        new SDVariable(name, VariableType.VARIABLE, graph, dims, array.dataType());
    arrays.share(name, lookUp(name, step.parameters(), key, noisy));
    graph.addVariable(variable);
    // as for placeholders: DL4J's dense weights are in 'f' order
    return new LayerOutput(
        array.ordering() == 'c' ? variable : graph.reshape(variable, dims), dims);
  }

  /** Looks an array up; it keeps nothing but what it needs, neither the step nor this object. */
  private static Supplier<@Nullable INDArray> lookUp(
      String name,
      Supplier<Map<String, INDArray>> parameters,
      String key,
      Map<String, INDArray> noisy) {
    return () -> {
      INDArray changed = noisy.get(name);
      return changed != null ? changed : parameters.get().get(key);
    };
  }

  /** The names of those that are trained, in the network's order, but for some. */
  List<String> trained(Set<String> beyond) {
    return parameters.keySet().stream()
        .filter(p -> trained.contains(p) && !beyond.contains(p))
        .toList();
  }

  /** What the graph reads in the place of a parameter; to be filled by the parameters' names. */
  Map<String, INDArray> noisy() {
    return noisy;
  }
}
