package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.nd4j.SoftmaxShift;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/** Softmax nodes, with the largest entry taken off where M2.1 needs that. */
final class SoftmaxRewrite {
  private SoftmaxRewrite() {}

  /** Whether a node may have to be looked at; before any shape is known. */
  static boolean concerns(SameDiff graph, SameDiffOp node) {
    return SoftmaxShift.helps(graph.getVariable(node.getInputsToOp().get(0)).dataType());
  }

  /** The node stays, and reads something else. */
  static List<SDVariable> of(RewriteSite context) {
    Node node = context.node();
    Dims dims = context.dims(0);
    int axis = Math.floorMod(node.iArg(0, -1), dims.rank());
    if (SoftmaxShift.helps(context.type(0)) && innermost(dims, axis)) {
      SDVariable x = context.input(0);
      SDVariable shifted =
          SoftmaxShift.shifted(context.graph(), x, axis, dims.get(axis).size(), context::name);
      SameDiffOp op = java.util.Objects.requireNonNull(context.graph().getOps().get(node.name()));
      op.setInputsToOp(new ArrayList<>(List.of(shifted.name())));
      VariableLookup.variable(context.graph(), x.name()).getInputsForOp().remove(node.name());
      VariableLookup.variable(context.graph(), shifted.name())
          .setInputsForOp(new ArrayList<>(List.of(node.name())));
    }
    return List.of();
  }

  /** Whether entries along an axis may lie side by side, for some number of samples. */
  static boolean innermost(Dims dims, int axis) {
    if (dims.rank() < 2 || dims.get(axis).samples()) {
      return false;
    }
    Dims behind = dims.from(axis + 1);
    return java.util.stream.IntStream.range(0, behind.rank())
        .mapToObj(behind::get)
        .allMatch(d -> d.equals(Dim.ONE) || d.equals(Dim.N));
  }
}
