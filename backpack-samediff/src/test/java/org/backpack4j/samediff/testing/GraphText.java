package org.backpack4j.samediff.testing;

import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** All that a graph is made of, as text, to see whether it has changed. */
public final class GraphText {
  private GraphText() {}

  public static String of(SameDiff graph) {
    StringBuilder text = new StringBuilder();
    for (Variable variable : graph.getVariables().values()) {
      text.append(variable)
          .append(System.identityHashCode(variable.getVariable()))
          .append(System.identityHashCode(graph.getArrForVarName(variable.getName())))
          .append('\n');
    }
    for (SameDiffOp op : graph.getOps().values()) {
      text.append(op.getName())
          .append(op.getOp().getClass())
          .append(System.identityHashCode(op.getOp()))
          .append(op.getInputsToOp())
          .append(op.getOutputsOfOp())
          .append(op.getControlDeps())
          .append(op.getControlDepFor());
      if (op.getOp() instanceof DynamicCustomOp customOp) {
        text.append(customOp.numIArguments()).append(customOp.numTArguments());
      }
      text.append('\n');
    }
    return text.append(graph.getLossVariables())
        .append(graph.outputs())
        .append(graph.currentNameScope())
        .append(graph.getSessions().keySet())
        .append(graph.getTrainingConfig())
        .append(graph.isEnableCache())
        .toString();
  }
}
