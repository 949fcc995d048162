package org.backpack4j.samediff.internal.faults;

import java.util.List;
import java.util.Optional;
import org.backpack4j.samediff.internal.shape.StaticShapes;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** One op of a graph, and all that is known where it stands. */
record FaultSite(SameDiff graph, SameDiffOp node, GradientReach gradient, StaticShapes shapes) {
  /** What the person knows the op by: the variable that it computes. */
  String name() {
    return node.getOutputsOfOp().get(0);
  }

  DifferentialFunction function() {
    return node.getOp();
  }

  List<String> inputs() {
    return node.getInputsToOp() == null ? List.of() : node.getInputsToOp();
  }

  /** Says whether a gradient has to pass the op. */
  boolean isDifferentiated() {
    return gradient.passes(node);
  }

  /** Says whether a gradient has to pass the op to its input of that index. */
  boolean isDifferentiatedBy(int input) {
    return isDifferentiated() && input < inputs().size() && gradient.reaches(inputs().get(input));
  }

  /** The op's integer arguments; none for an op of the older kind. */
  long[] integers() {
    if (!(function() instanceof DynamicCustomOp op)) {
      return new long[0];
    }
    // Several ops make up their arguments when they are first asked for them.
    synchronized (op) {
      return op.iArgs();
    }
  }

  /** An integer argument, or zero where the op has fewer. */
  long integer(int index) {
    long[] integers = integers();
    return index < integers.length ? integers[index] : 0;
  }

  Optional<long[]> shape(int input) {
    return shapes.of(inputs().get(input));
  }

  /** The values of an input that is a constant. */
  Optional<INDArray> constant(int input) {
    if (input >= inputs().size()) {
      return Optional.empty();
    }
    SDVariable variable = graph.getVariable(inputs().get(input));
    return variable.isConstant()
        ? Optional.ofNullable(graph.getArrForVarName(variable.name()))
        : Optional.empty();
  }
}
