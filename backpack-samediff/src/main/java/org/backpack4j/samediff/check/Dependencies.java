package org.backpack4j.samediff.check;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * What the variables on the way to the losses are computed from: parameters, data (placeholders),
 * predictions. A variable that is computed from predictions owes its other origins only to what
 * does not pass them: the graph is cut there.
 */
final class Dependencies {
  private final Set<String> fromParameters = new HashSet<>();
  private final Set<String> fromData = new HashSet<>();
  private final Set<String> fromPredictions = new HashSet<>();
  private final Map<String, SameDiffOp> producers = new HashMap<>();

  private Dependencies() {}

  static Dependencies of(
      SameDiff graph,
      Collection<String> targets,
      Collection<String> parameters,
      Collection<String> predictions) {
    Dependencies origins = new Dependencies();
    origins.fromParameters.addAll(parameters);
    origins.fromPredictions.addAll(predictions);
    graph.placeHolders().forEach(placeHolder -> origins.fromData.add(placeHolder.name()));
    origins.fromParameters.removeAll(predictions);
    origins.fromData.removeAll(predictions);
    for (SameDiffOp op : ReferenceInterpreter.order(graph, targets)) {
      for (String output : op.getOutputsOfOp()) {
        origins.producers.put(output, op);
        if (!predictions.contains(output)) {
          inherit(origins.fromParameters, op, output);
          inherit(origins.fromData, op, output);
          inherit(origins.fromPredictions, op, output);
        }
      }
    }
    return origins;
  }

  private static void inherit(Set<String> set, SameDiffOp op, String output) {
    if (inputs(op).stream().anyMatch(set::contains)) {
      set.add(output);
    }
  }

  /** Whether a parameter reaches the variable without passing predictions. */
  boolean fromParameters(String variable) {
    return fromParameters.contains(variable);
  }

  /** Whether a placeholder reaches the variable without passing predictions. */
  boolean fromData(String variable) {
    return fromData.contains(variable);
  }

  /** Whether predictions reach the variable, or it is one. */
  boolean fromPredictions(String variable) {
    return fromPredictions.contains(variable);
  }

  /** The op that computes a variable; null for parameters, constants and placeholders. */
  @Nullable SameDiffOp producer(String variable) {
    return producers.get(variable);
  }

  /** The names of an op's arguments. */
  static List<String> inputs(SameDiffOp op) {
    return op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
  }
}
