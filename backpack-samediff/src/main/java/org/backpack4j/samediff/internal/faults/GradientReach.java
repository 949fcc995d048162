package org.backpack4j.samediff.internal.faults;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/** Which variables a loss depends on and depend on a parameter themselves. */
final class GradientReach {
  private final SameDiff graph;
  private final Set<String> computed = new HashSet<>();

  private GradientReach(SameDiff graph) {
    this.graph = graph;
  }

  /** Searches the ops that {@code losses} need; all ops, if there are no losses. */
  static GradientReach of(SameDiff graph, Collection<String> losses) {
    GradientReach reach = new GradientReach(graph);
    List<SameDiffOp> order =
        ReferenceInterpreter.order(
            graph, losses.isEmpty() ? graph.getVariables().keySet() : losses);
    for (SameDiffOp op : order) {
      if (op.getInputsToOp() != null && op.getInputsToOp().stream().anyMatch(reach::reaches)) {
        reach.addOutputs(op);
      }
    }
    return reach;
  }

  private void addOutputs(SameDiffOp op) {
    for (String output : op.getOutputsOfOp()) {
      // No gradient passes a whole number.
      if (graph.getVariable(output).dataType().isFPType()) {
        computed.add(output);
      }
    }
  }

  /** Says whether a gradient has to come back to the variable. */
  boolean reaches(String variable) {
    SDVariable found = graph.getVariable(variable);
    return computed.contains(variable)
        || (found.getVariableType() == VariableType.VARIABLE && found.dataType().isFPType());
  }

  /** Says whether a gradient has to pass the op. */
  boolean passes(SameDiffOp op) {
    return op.getOutputsOfOp().stream().anyMatch(computed::contains);
  }
}
