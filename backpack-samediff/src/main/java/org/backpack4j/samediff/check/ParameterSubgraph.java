package org.backpack4j.samediff.check;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.OpExecution;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What depends on one parameter of a graph. It can be evaluated again and again as the parameter
 * changes; everything else that it reads is worked out once.
 */
final class ParameterSubgraph {
  private final SameDiff graph;
  private final String parameter;
  private final Collection<String> names;
  private final List<SameDiffOp> ops = new ArrayList<>();
  private final Map<String, INDArray> rest;

  /**
   * Works out what does not depend on a parameter.
   *
   * @param graph the graph
   * @param feeds an array for each placeholder
   * @param parameter the parameter, whose array is contiguous and in 'c' order
   * @param names the variables to evaluate
   */
  ParameterSubgraph(
      SameDiff graph, Map<String, INDArray> feeds, String parameter, Collection<String> names) {
    this.graph = graph;
    this.parameter = parameter;
    this.names = names;
    Set<String> changing = new HashSet<>(Set.of(parameter));
    Set<String> needed = new LinkedHashSet<>(names);
    for (SameDiffOp op : ReferenceInterpreter.order(graph, names)) {
      List<String> inputs = inputs(op);
      if (inputs.stream().anyMatch(changing::contains)) {
        ops.add(op);
        needed.addAll(inputs);
        changing.addAll(op.getOutputsOfOp());
      }
    }
    needed.removeAll(changing);
    this.rest = ReferenceInterpreter.run(graph, feeds, needed);
  }

  /** The variables, with the parameter as it is now. */
  Map<String, INDArray> run() {
    Map<String, INDArray> known = new HashMap<>(rest);
    known.put(parameter, Objects.requireNonNull(graph.getArrForVarName(parameter)));
    for (SameDiffOp op : ops) {
      List<INDArray> inputs = new ArrayList<>();
      inputs(op).forEach(input -> inputs.add(Objects.requireNonNull(known.get(input))));
      List<INDArray> outputs = OpExecution.run(graph, op, inputs);
      for (int i = 0; i < outputs.size(); i++) {
        known.put(op.getOutputsOfOp().get(i), outputs.get(i));
      }
    }
    Map<String, INDArray> values = new LinkedHashMap<>();
    names.forEach(name -> values.put(name, Objects.requireNonNull(known.get(name))));
    return values;
  }

  private static List<String> inputs(SameDiffOp op) {
    List<String> inputs = op.getInputsToOp();
    return inputs == null ? List.of() : inputs;
  }
}
