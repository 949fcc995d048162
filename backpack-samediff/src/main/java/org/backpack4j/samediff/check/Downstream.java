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
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.interpret.RepeatedOp;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What depends on some variables of a graph. It can be evaluated again and again as their numbers
 * change; everything else that it reads is worked out once.
 */
final class Downstream {
  private final SameDiff graph;
  private final Map<String, INDArray> feeds;
  private final Collection<String> changing;
  private final Collection<String> names;
  private final Map<SameDiffOp, RepeatedOp> ops = new LinkedHashMap<>();
  private final Map<String, INDArray> rest;

  /**
   * Works out what does not depend on some variables.
   *
   * @param graph the graph
   * @param feeds an array for each placeholder
   * @param changing parameters and placeholders, whose arrays are contiguous and in 'c' order, and
   *     are written to between two runs
   * @param names the variables to evaluate
   * @throws UnsupportedOperationException if control flow, a tensor array or random numbers are
   *     needed
   */
  Downstream(
      SameDiff graph,
      Map<String, INDArray> feeds,
      Collection<String> changing,
      Collection<String> names) {
    this.graph = graph;
    this.feeds = feeds;
    this.changing = changing;
    this.names = names;
    Set<String> moving = new HashSet<>(changing);
    Set<String> needed = new LinkedHashSet<>(names);
    for (SameDiffOp op : ReferenceInterpreter.runnable(graph, names)) {
      List<String> inputs = inputs(op);
      if (inputs.stream().anyMatch(moving::contains)) {
        ops.put(op, new RepeatedOp(graph, op));
        needed.addAll(inputs);
        moving.addAll(op.getOutputsOfOp());
      }
    }
    needed.removeAll(moving);
    this.rest = ReferenceInterpreter.run(graph, feeds, needed);
  }

  /**
   * Evaluates.
   *
   * @return the variables, with the others' numbers as they are now; valid until the next run
   */
  Map<String, INDArray> run() {
    Map<String, INDArray> known = new HashMap<>(rest);
    changing.forEach(name -> known.put(name, source(name)));
    ops.forEach(
        (op, repeated) -> {
          List<INDArray> inputs = new ArrayList<>();
          inputs(op).forEach(input -> inputs.add(Objects.requireNonNull(known.get(input))));
          List<INDArray> outputs = repeated.run(inputs);
          for (int i = 0; i < outputs.size(); i++) {
            known.put(op.getOutputsOfOp().get(i), outputs.get(i));
          }
        });
    Map<String, INDArray> values = new LinkedHashMap<>();
    names.forEach(name -> values.put(name, Objects.requireNonNull(known.get(name))));
    return values;
  }

  private INDArray source(String name) {
    INDArray fed = feeds.get(name);
    return fed != null ? fed : Objects.requireNonNull(graph.getArrForVarName(name));
  }

  private static List<String> inputs(SameDiffOp op) {
    List<String> inputs = op.getInputsToOp();
    return inputs == null ? List.of() : inputs;
  }
}
