package org.backpack4j.samediff.testing;

import java.util.Arrays;
import java.util.Collection;
import java.util.stream.Collectors;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** A graph as text, a line for each op: {@code z = matmul(x, w) [0, 0, 0]}. */
public final class GraphLines {
  private GraphLines() {}

  /** The ops on the way to some variables, in order, with their integer arguments. */
  public static String of(SameDiff graph, Collection<String> targets) {
    return ReferenceInterpreter.order(graph, targets).stream()
        .map(GraphLines::line)
        .collect(Collectors.joining("\n", "", "\n"));
  }

  private static String line(SameDiffOp op) {
    String integers =
        op.getOp() instanceof DynamicCustomOp custom && custom.numIArguments() > 0
            ? " " + Arrays.toString(custom.iArgs())
            : "";
    return String.join(", ", op.getOutputsOfOp())
        + " = "
        + op.getOp().opName()
        + "("
        + (op.getInputsToOp() == null ? "" : String.join(", ", op.getInputsToOp()))
        + ")"
        + integers;
  }
}
