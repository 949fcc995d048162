package org.backpack4j.samediff.internal.nd4j;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.ir.Node;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.impl.shape.StridedSlice;

/** The gradient of an op as ND4J defines it, also on other inputs than it has in the graph. */
public final class NativeGradient {
  private NativeGradient() {}

  /**
   * Emits the ops of a gradient.
   *
   * @param inputs what the op reads instead of the node's inputs; null for these themselves
   * @param gradients for each output the gradient with respect to it; null for zero
   * @return for each input the gradient with respect to it, where it has one
   */
  public static List<@Nullable SDVariable> of(
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
    if (op instanceof StridedSlice) {
      return List.of(ofSlice(graph, node, op.args(), above.get(0)));
    }
    return new ArrayList<>(op.doDiff(above));
  }

  /**
   * What a slice cut out, back in its places, which are those of numbered entries in the slice.
   * M2.1's op for this forgets where a single entry came from, and reads memory that is not its own
   * where the slice takes a row whole.
   */
  private static SDVariable ofSlice(
      SameDiff graph, Node node, SDVariable[] read, SDVariable gradient) {
    SDVariable shape = read[0].shape();
    SDVariable size = shape.prod().castTo(DataType.INT32);
    SDVariable numbers =
        graph.range(graph.constant(0), size, graph.constant(1), DataType.INT32).reshape(shape);
    List<SDVariable> inputs = new ArrayList<>(List.of(read));
    inputs.set(0, numbers);
    SDVariable places = again(graph, node, inputs).outputVariables()[0].reshape(-1);
    SDVariable rows = gradient.reshape(-1, 1, 1); // a vector or one row would be taken wrongly
    return graph.unsortedSegmentSum(rows, places, size).reshape(shape);
  }

  /** The same op once more, on other inputs. */
  public static DifferentialFunction again(SameDiff graph, Node node, List<SDVariable> inputs) {
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
