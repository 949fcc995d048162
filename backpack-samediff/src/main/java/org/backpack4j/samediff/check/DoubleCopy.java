package org.backpack4j.samediff.check;

import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.array.SingleThreadArrayHolder;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A copy of a graph in double precision: parameters, constants, placeholders, and whatever the ops
 * hold of a floating-point type (scalars, the target of a cast, the type of a one-hot encoding).
 * The copy has arrays of its own, in 'c' order; later changes of the original are not seen by it.
 */
public final class DoubleCopy {
  private DoubleCopy() {}

  /**
   * Copies a graph.
   *
   * @param graph any graph that can be copied; it is only read
   * @return the copy, with variables and ops of the same names
   * @throws IllegalArgumentException if an op cannot be copied, or a parameter or constant has no
   *     array
   */
  public static SameDiff of(SameDiff graph) {
    SameDiff copy = GraphCopy.of(graph);
    SingleThreadArrayHolder parameters = new SingleThreadArrayHolder();
    SingleThreadArrayHolder constants = new SingleThreadArrayHolder();
    for (SDVariable variable : copy.variables()) {
      boolean isShort = DoubleOps.isShort(variable.dataType());
      if (variable.getVariableType() == VariableType.VARIABLE) {
        parameters.setArray(variable.name(), array(copy, variable.name(), isShort));
      } else if (variable.isConstant()) {
        constants.setArray(variable.name(), array(copy, variable.name(), isShort));
      }
      if (isShort) {
        variable.setDataType(DataType.DOUBLE);
      }
    }
    copy.setArrayHolders(parameters, constants, false);
    for (DifferentialFunction op : copy.ops()) {
      DoubleOps.convert(op);
    }
    return copy;
  }

  private static INDArray array(SameDiff graph, String name, boolean isShort) {
    INDArray array = graph.getArrForVarName(name);
    if (array == null) {
      throw new IllegalArgumentException(
          "The variable \"" + name + "\" has no array yet: set one first.");
    }
    return (isShort ? array.castTo(DataType.DOUBLE) : array).dup('c');
  }
}
