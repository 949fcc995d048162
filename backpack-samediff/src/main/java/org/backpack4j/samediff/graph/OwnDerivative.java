package org.backpack4j.samediff.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ops.BaseOp;

/** The gradient of an op as ND4J defines it, also on other inputs than it has in the graph. */
final class OwnDerivative {
  private OwnDerivative() {}

  /**
   * Emits the ops of a gradient.
   *
   * @param inputs what the op reads instead of the node's inputs; null for these themselves
   * @param gradients for each output the gradient with respect to it; null for zero
   * @return for each input the gradient with respect to it, where it has one
   */
  static List<@Nullable SDVariable> of(
      SameDiff graph,
      Node node,
      @Nullable List<SDVariable> inputs,
      List<@Nullable SDVariable> gradients) {
    DifferentialFunction op = inputs == null ? node.function() : again(graph, node, inputs);
    List<SDVariable> above = new ArrayList<>();
    for (int k = 0; k < gradients.size(); k++) {
      SDVariable gradient = gradients.get(k);
      above.add(gradient == null ? op.outputVariables()[k].mul(0.0) : gradient);
    }
    return new ArrayList<>(op.doDiff(above));
  }

  /** The same op once more, on other inputs. */
  static DifferentialFunction again(SameDiff graph, Node node, List<SDVariable> inputs) {
    Map<String, String> renamed = new HashMap<>();
    for (int k = 0; k < inputs.size(); k++) {
      renamed.put(node.inputs().get(k), inputs.get(k).name());
    }
    DifferentialFunction op = OpBinding.copy(node.function(), graph, renamed);
    op.setOwnName(free(graph, inputs.get(0).name() + "/" + node.op()));
    if (op instanceof BaseOp legacy) {
      legacy.setXVertexId(inputs.get(0).name());
      legacy.setYVertexId(inputs.size() > 1 ? inputs.get(1).name() : null);
    }
    graph.putOpForId(op.getOwnName(), op);
    graph.addArgsFor(inputs.toArray(new SDVariable[0]), op);
    op.outputVariables();
    return op;
  }

  private static String free(SameDiff graph, String name) {
    String free = name;
    for (int k = 1; graph.getOps().containsKey(free) || graph.hasVariable(free); k++) {
      free = name + "_" + k;
    }
    return free;
  }
}
