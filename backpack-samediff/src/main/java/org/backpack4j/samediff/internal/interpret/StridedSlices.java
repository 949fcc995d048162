package org.backpack4j.samediff.internal.interpret;

import java.util.Arrays;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.shape.StridedSlice;

/** Strided slices, which M2.1 must not run with a negative stride: the Java machine dies of it. */
public final class StridedSlices {
  /** The masks in front of begins, ends and strides. */
  private static final int MASKS = 5;

  private StridedSlices() {}

  /** Says whether the op is a strided slice that is known to have a negative stride. */
  public static boolean isBackwards(SameDiff graph, SameDiffOp node) {
    if (!(node.getOp() instanceof StridedSlice op)) {
      return false;
    }
    long[] arguments = op.iArgs();
    int rank = (arguments.length - MASKS) / 3;
    boolean written =
        Arrays.stream(arguments).skip(MASKS + 2L * rank).anyMatch(stride -> stride < 0);
    List<String> inputs = node.getInputsToOp();
    return written || (inputs.size() > 3 && isNegative(graph, graph.getVariable(inputs.get(3))));
  }

  private static boolean isNegative(SameDiff graph, SDVariable strides) {
    INDArray array = strides.isConstant() ? graph.getArrForVarName(strides.name()) : null;
    return array != null && Arrays.stream(array.toLongVector()).anyMatch(stride -> stride < 0);
  }
}
