package org.backpack4j.samediff.internal.nd4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Lets the ops behind new variables compute the outputs of a node, which goes. The outputs remain
 * the variables that they were, so that whoever reads them reads the new values; the op that
 * computes the first one takes the node's name.
 */
public final class Replacement {
  private Replacement() {}

  /**
   * Lets every op that reads a variable read another one.
   *
   * @param graph the graph
   * @param name what is read
   * @param other what is to be read in its place
   */
  public static void inReaders(SameDiff graph, String name, SDVariable other) {
    for (DifferentialFunction op : graph.ops()) {
      String[] arguments = op.argNames();
      for (int i = 0; arguments != null && i < arguments.length; i++) {
        if (arguments[i].equals(name)) {
          graph.replaceArgFor(i, other, op);
        }
      }
    }
  }

  /**
   * Replaces a node.
   *
   * @param graph the graph
   * @param node the node
   * @param results for each of its outputs a variable with the same value, each computed by an op
   *     of its own
   */
  public static void replace(SameDiff graph, SameDiffOp node, List<SDVariable> results) {
    List<String> outputs = List.copyOf(node.getOutputsOfOp());
    for (String input : node.getInputsToOp()) {
      change(VariableLookup.variable(graph, input), list -> without(list, node.getName()));
    }
    graph.getOps().remove(node.getName());
    for (int k = 0; k < outputs.size(); k++) {
      SameDiffOp op = producer(graph, results.get(k).name());
      takeOver(graph, op, results.get(k).name(), outputs.get(k));
      if (k == 0) {
        rename(graph, op, node.getName());
      }
    }
  }

  private static SameDiffOp producer(SameDiff graph, String variable) {
    return VariableLookup.op(
        graph, Objects.requireNonNull(VariableLookup.variable(graph, variable).getOutputOfOp()));
  }

  /** The op computes {@code old} and not {@code fresh}, which nobody knows but the new ops. */
  private static void takeOver(SameDiff graph, SameDiffOp op, String fresh, String old) {
    Variable gone = VariableLookup.variable(graph, fresh);
    Variable kept = VariableLookup.variable(graph, old);
    op.setOutputsOfOp(new ArrayList<>(List.of(old)));
    kept.setOutputOfOp(op.getName());
    if (gone.getInputsForOp() != null) {
      for (String reader : gone.getInputsForOp()) {
        SameDiffOp reading = VariableLookup.op(graph, reader);
        List<String> inputs = new ArrayList<>(reading.getInputsToOp());
        inputs.replaceAll(name -> name.equals(fresh) ? old : name);
        reading.setInputsToOp(inputs);
        change(kept, list -> with(list, reader));
      }
    }
    graph.getVariables().remove(fresh);
    forgetOutputs(op);
  }

  private static void rename(SameDiff graph, SameDiffOp op, String name) {
    String before = op.getName();
    graph.getOps().remove(before);
    op.setName(name);
    op.getOp().setOwnName(name);
    graph.getOps().put(name, op);
    for (String output : op.getOutputsOfOp()) {
      VariableLookup.variable(graph, output).setOutputOfOp(name);
    }
    for (String input : op.getInputsToOp()) {
      change(VariableLookup.variable(graph, input), list -> with(without(list, before), name));
    }
  }

  /** An op keeps a note of its outputs; what the graph says holds. */
  private static void forgetOutputs(SameDiffOp op) {
    if (op.getOp() instanceof DynamicCustomOp customOp) {
      customOp.setOutputVariables(null);
    } else if (op.getOp() instanceof BaseOp legacyOp) {
      legacyOp.setZVertexId(null);
    }
  }

  private static void change(Variable variable, UnaryOperator<List<String>> change) {
    @Nullable List<String> readers = variable.getInputsForOp();
    variable.setInputsForOp(change.apply(readers == null ? List.of() : readers));
  }

  private static List<String> with(List<String> list, String name) {
    List<String> more = new ArrayList<>(list);
    if (!more.contains(name)) {
      more.add(name);
    }
    return more;
  }

  private static List<String> without(List<String> list, String name) {
    List<String> fewer = new ArrayList<>(list);
    fewer.removeIf(name::equals);
    return fewer;
  }
}
