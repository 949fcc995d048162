package org.backpack4j.samediff.internal.nd4j;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;

/** The names of ops, which SameDiff keeps in several places. */
final class OpNames {
  private OpNames() {}

  /** Renames each op that has the name of a variable which is not among its outputs. */
  static void keepApartFromVariables(SameDiff graph) {
    Map<String, String> renamed = new HashMap<>();
    for (SameDiffOp op : graph.getOps().values()) {
      String name = op.getName();
      if (graph.getVariables().containsKey(name) && !op.getOutputsOfOp().contains(name)) {
        renamed.put(name, freeName(graph, name + "_op"));
      }
    }
    if (!renamed.isEmpty()) {
      rename(graph, renamed);
    }
  }

  private static String freeName(SameDiff graph, String name) {
    String free = name;
    for (int i = 1; isTaken(graph, free); i++) {
      free = name + "_" + i;
    }
    return free;
  }

  private static boolean isTaken(SameDiff graph, String name) {
    return graph.getVariables().containsKey(name) || graph.getOps().containsKey(name);
  }

  private static void rename(SameDiff graph, Map<String, String> renamed) {
    List<SameDiffOp> ops = new ArrayList<>(graph.getOps().values());
    graph.getOps().clear();
    for (SameDiffOp op : ops) {
      op.setName(renamed.getOrDefault(op.getName(), op.getName()));
      op.getOp().setOwnName(op.getName());
      rename(op.getControlDeps(), renamed, op::setControlDeps);
      rename(op.getControlDepFor(), renamed, op::setControlDepFor);
      graph.getOps().put(op.getName(), op);
    }
    for (Variable variable : graph.getVariables().values()) {
      rename(variable.getInputsForOp(), renamed, variable::setInputsForOp);
      rename(variable.getControlDepsForOp(), renamed, variable::setControlDepsForOp);
      String producer = variable.getOutputOfOp();
      if (producer != null) {
        variable.setOutputOfOp(renamed.getOrDefault(producer, producer));
      }
    }
  }

  private static void rename(
      @Nullable List<String> names, Map<String, String> renamed, Consumer<List<String>> set) {
    if (names != null) {
      List<String> changed = new ArrayList<>(names);
      changed.replaceAll(name -> renamed.getOrDefault(name, name));
      set.accept(changed);
    }
  }
}
