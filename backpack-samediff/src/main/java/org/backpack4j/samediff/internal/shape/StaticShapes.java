package org.backpack4j.samediff.internal.shape;

import java.util.Optional;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The shapes of a graph's variables, as far as they are known before something has run. */
@FunctionalInterface
public interface StaticShapes {
  /**
   * Looks a shape up.
   *
   * @param variable the variable's name
   * @return its shape, with −1 for an extent that is not known; nothing if not even the rank is
   *     known
   */
  Optional<long[]> of(String variable);

  /**
   * What SameDiff itself knows: the shapes of parameters and constants, and those that placeholders
   * were declared with.
   *
   * @param graph the graph
   * @return the shapes
   */
  static StaticShapes declared(SameDiff graph) {
    return name -> {
      SDVariable variable = graph.getVariable(name);
      if (variable == null) {
        return Optional.empty();
      }
      if (variable.isPlaceHolder()) {
        // Without a shape, a placeholder has no extents.
        return Optional.ofNullable(variable.placeholderShape()).filter(shape -> shape.length > 0);
      }
      return variable.getVariableType() == VariableType.VARIABLE || variable.isConstant()
          ? Optional.ofNullable(graph.getArrForVarName(name)).map(INDArray::shape)
          : Optional.empty();
    };
  }
}
