package org.backpack4j.samediff.internal.rewrite;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.nd4j.NativeGradient;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A node that is about to be written with other ops: what it reads, and names for what is added.
 */
public final class RewriteSite {
  private final SameDiff graph;
  private final GraphShapes shapes;
  private final Node node;

  RewriteSite(SameDiff graph, GraphShapes shapes, SameDiffOp op) {
    this.graph = graph;
    this.shapes = shapes;
    this.node = new Node(op.getName(), op.getOp(), op.getInputsToOp(), op.getOutputsOfOp());
  }

  public SameDiff graph() {
    return graph;
  }

  public Node node() {
    return node;
  }

  public int inputs() {
    return node.inputs().size();
  }

  /** The node's op once more, on other inputs. */
  public DifferentialFunction again(List<SDVariable> inputs) {
    return NativeGradient.again(graph, node, inputs);
  }

  public SDVariable input(int k) {
    return graph.getVariable(node.inputs().get(k));
  }

  public Dims dims(int k) {
    return shapes.dims(node.inputs().get(k));
  }

  DataType type(int k) {
    return shapes.type(node.inputs().get(k));
  }

  public Dims outputDims(int k) {
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

  public SDVariable reshape(String what, SDVariable x, Dims from, Dims to) {
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
