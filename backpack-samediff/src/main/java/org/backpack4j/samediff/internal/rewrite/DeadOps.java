package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.spi.Emitter;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;

/**
 * Removes inserted ops that no output needs: what a rule prepared and nobody asked for in the end.
 * The person's own ops and variables all stay.
 */
public final class DeadOps {
  private DeadOps() {}

  /**
   * Removes what is not needed.
   *
   * @param graph the extended graph
   * @param outputs the outputs to keep
   */
  public static void remove(SameDiff graph, Collection<String> outputs) {
    Set<String> kept = new HashSet<>(outputs);
    for (SameDiffOp op : graph.getOps().values()) {
      if (!inserted(op)) {
        kept.addAll(op.getOutputsOfOp()); // and what was inserted on the way there
      }
    }
    Set<String> needed = new HashSet<>();
    ReferenceInterpreter.order(graph, kept).forEach(op -> needed.add(op.getName()));
    List<SameDiffOp> dead = new ArrayList<>();
    for (SameDiffOp op : graph.getOps().values()) {
      if (inserted(op) && !needed.contains(op.getName())) {
        dead.add(op);
      }
    }
    Map<String, Variable> variables = graph.getVariables();
    for (SameDiffOp op : dead) {
      graph.getOps().remove(op.getName());
      op.getOutputsOfOp().forEach(variables::remove);
    }
    Set<String> gone = new HashSet<>();
    dead.forEach(op -> gone.add(op.getName()));
    for (Variable variable : List.copyOf(variables.values())) {
      if (variable.getInputsForOp() != null) {
        List<String> readers = new ArrayList<>(variable.getInputsForOp());
        readers.removeAll(gone);
        variable.setInputsForOp(readers);
      }
      boolean unread = variable.getInputsForOp() == null || variable.getInputsForOp().isEmpty();
      boolean constant = variable.getVariable().getVariableType() == VariableType.CONSTANT;
      if (constant && unread && variable.getName().startsWith(Emitter.SCOPE)) {
        variables.remove(variable.getName());
      }
    }
  }

  private static boolean inserted(SameDiffOp op) {
    return op.getOutputsOfOp().stream()
        .allMatch(o -> o.startsWith(Emitter.SCOPE) && !o.endsWith("/entrance"));
  }
}
