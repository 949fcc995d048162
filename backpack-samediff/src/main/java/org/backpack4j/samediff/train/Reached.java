package org.backpack4j.samediff.train;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.Variable;

/** What the losses depend on by numbers that are not integers: what has a gradient. */
final class Reached {
  private final Set<String> reached = new HashSet<>();

  Reached(SameDiff graph) {
    Deque<String> left = new ArrayDeque<>(graph.getLossVariables());
    while (!left.isEmpty()) {
      String name = left.pop();
      Variable variable = VariableLookup.variable(graph, name);
      if (!variable.getVariable().dataType().isFPType() || !reached.add(name)) {
        continue;
      }
      @Nullable String producer = variable.getOutputOfOp();
      @Nullable List<String> inputs =
          producer == null ? null : VariableLookup.op(graph, producer).getInputsToOp();
      if (inputs != null) {
        left.addAll(inputs);
      }
    }
  }

  boolean byLosses(String parameter) {
    return reached.contains(parameter);
  }
}
