package org.backpack4j.samediff.internal.nd4j;

import java.util.function.UnaryOperator;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/**
 * M2.1's softmax along the innermost axis takes the largest entry of a row for at least zero, in
 * every type but {@code FLOAT}: in {@code DOUBLE} digits are lost where all entries of a row are
 * below −708, and below −745 the row is NaN; in {@code HALF} that begins at −10 and −17, in {@code
 * BFLOAT16} at −88. A softmax stays the same when its largest entry is taken off first.
 */
public final class SoftmaxShift {
  private SoftmaxShift() {}

  /** Whether M2.1's softmax of a type has the fault, along an innermost axis. */
  public static boolean helps(DataType type) {
    return type.isFPType() && type != DataType.FLOAT;
  }

  /**
   * Takes the largest entry off.
   *
   * @param graph the graph
   * @param x the softmax's argument
   * @param axis its axis, not negative
   * @param extent the axis's extent; M2.1 cannot reduce along an axis of extent one
   * @param name free names for what is added
   * @return x less its largest entry, which counts as a constant: no derivative of the softmax goes
   *     by it
   */
  public static SDVariable shifted(
      SameDiff graph, SDVariable x, int axis, long extent, UnaryOperator<String> name) {
    SDVariable fixed = new StopGradient(graph, x).outputVariable();
    fixed.rename(name.apply("fixed"));
    SDVariable largest = extent == 1 ? fixed : fixed.max(name.apply("largest"), true, axis);
    return x.sub(name.apply("shifted"), largest);
  }
}
