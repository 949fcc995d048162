package org.backpack4j.samediff.internal.execution.run;

import java.util.Map;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The arrays of the variables that no op computes.
 *
 * @param graph the graph
 * @param feeds an array for each placeholder that is needed
 */
public record Inputs(SameDiff graph, Map<String, INDArray> feeds) {

  /** The array of a feed, a parameter or a constant. */
  public INDArray of(SDVariable variable) {
    String name = variable.name();
    if (variable.isPlaceHolder()) {
      INDArray array = feeds.get(name);
      if (array == null) {
        throw new IllegalArgumentException(
            "The placeholder \"" + name + "\" is needed and not fed.");
      }
      return array;
    }
    if (!variable.isConstant() && variable.getVariableType() != VariableType.VARIABLE) {
      throw new UnsupportedOperationException(
          "The variable \""
              + name
              + "\" ("
              + variable.getVariableType()
              + ") is the output of no op: only arrays are supported.");
    }
    INDArray array = graph.getArrForVarName(name);
    if (array == null) {
      throw new IllegalArgumentException(
          "The variable \"" + name + "\" has no array: set one before evaluating.");
    }
    return array;
  }

  public INDArray of(Value value) {
    return of(graph.getVariable(value.name));
  }

  public boolean isFeed(Value value) {
    return graph.getVariable(value.name).isPlaceHolder();
  }
}
