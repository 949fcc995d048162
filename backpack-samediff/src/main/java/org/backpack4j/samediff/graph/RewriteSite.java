package org.backpack4j.samediff.graph;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * A node that is about to be written with other ops: what it reads, and names for what is added.
 */
final class RewriteSite {
  private final SameDiff graph;
  private final GraphShapes shapes;
  private final Node node;

  RewriteSite(SameDiff graph, GraphShapes shapes, SameDiffOp op) {
    this.graph = graph;
    this.shapes = shapes;
    this.node = new Node(op.getName(), op.getOp(), op.getInputsToOp(), op.getOutputsOfOp());
  }

  SameDiff graph() {
    return graph;
  }

  Node node() {
    return node;
  }

  int inputs() {
    return node.inputs().size();
  }

  /** The node's op once more, on other inputs. */
  DifferentialFunction again(List<SDVariable> inputs) {
    return OwnDerivative.again(graph, node, inputs);
  }

  SDVariable input(int k) {
    return graph.getVariable(node.inputs().get(k));
  }

  Dims dims(int k) {
    return shapes.dims(node.inputs().get(k));
  }

  Dims outputDims(int k) {
    return shapes.dims(node.outputs().get(k));
  }

  /** A free name in the node's scope. */
  String name(String what) {
    String base = Emitter.SCOPE + node.name() + "/" + what;
    String name = base;
    for (int k = 1; graph.hasVariable(name) || graph.getOps().containsKey(name); k++) {
      name = base + "_" + k;
    }
    return name;
  }

  // ---- ops that the rewrites have in common; what would do nothing is left out ----

  SDVariable reshape(String what, SDVariable x, Dims from, Dims to) {
    return from.equals(to) ? x : x.reshape(to.toLongs()).rename(name(what));
  }

  SDVariable permute(String what, SDVariable x, int... order) {
    int[] sorted = order.clone();
    Arrays.sort(sorted);
    return Arrays.equals(sorted, order) ? x : graph.permute(name(what), x, order);
  }

  /** Equal parts along an axis. */
  List<SDVariable> split(String what, SDVariable x, int parts, int axis) {
    return List.of(graph.split(names(what, parts), x, parts, axis));
  }

  /** The slices along an axis, which goes. */
  List<SDVariable> unstack(String what, SDVariable x, long extent, int axis) {
    int slices = Math.toIntExact(extent);
    return List.of(graph.unstack(names(what, slices), x, axis, slices));
  }

  private String[] names(String what, int count) {
    return IntStream.range(0, count).mapToObj(k -> name(what + "/" + k)).toArray(String[]::new);
  }

  SDVariable matmul(
      String what, SDVariable a, boolean transposeA, SDVariable b, boolean transposeB) {
    return graph.mmul(name(what), a, b, transposeA, transposeB, false);
  }
}
