package org.backpack4j.samediff.internal.execution.plan;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;

/**
 * A parameter or a constant that a plan reads: its array is looked up at each run, since training
 * updates or replaces it.
 *
 * @param value its place in the plan
 * @param inPlace whether it is read where it is; else it is copied into the plan's memory, because
 *     it is not contiguous or not in 'c' order
 */
public record Source(Value value, boolean inPlace) {

  /** Whether an array can take the place of the one that the plan was made for. */
  public boolean fits(INDArray array) {
    return array.dataType() == value.type
        && (!value.isStatic() || Arrays.equals(array.shape(), value.shape()))
        && isContiguous(array) == inPlace;
  }

  public static boolean isContiguous(INDArray array) {
    return array.isEmpty()
        || array.dataType() == DataType.UTF8
        || (array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array));
  }
}
