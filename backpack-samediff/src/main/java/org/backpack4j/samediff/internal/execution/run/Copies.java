package org.backpack4j.samediff.internal.execution.run;

import org.backpack4j.samediff.internal.execution.kernel.Platform;
import org.backpack4j.samediff.internal.execution.plan.Source;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Copies between arrays of the same shape. */
public final class Copies {
  private Copies() {}

  /** Writes the numbers of one array into another, whatever their layouts and types. */
  public static void copy(INDArray from, INDArray to) {
    if (from.isEmpty() || from == to) {
      return;
    }
    if (from.dataType() == to.dataType()
        && from.dataType() != DataType.UTF8
        && Platform.isNativeCpu()
        && Source.isContiguous(from)
        && Source.isContiguous(to)) {
      long bytes = from.length() * from.dataType().width();
      Pointer.memcpy(to.data().addressPointer(), from.data().addressPointer(), bytes);
    } else {
      to.assign(from);
    }
  }
}
