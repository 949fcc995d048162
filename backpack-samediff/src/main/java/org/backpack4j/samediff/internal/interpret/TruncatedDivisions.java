package org.backpack4j.samediff.internal.interpret;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Divisions that round towards zero: M2.1 cuts the divisor down to a whole number first, and the
 * Java machine dies where that is zero. Only a constant divisor is known never to be.
 */
public final class TruncatedDivisions {
  public static final String REMEDY =
      "Divide, and cut the quotient: floor where it is positive, ceil where it is negative.";

  private TruncatedDivisions() {}

  /** Says whether the op is a truncated division by something that may be between −1 and 1. */
  public static boolean canCrash(SameDiff graph, SameDiffOp node) {
    if (!node.getOp().opName().equals("truncatediv")) {
      return false;
    }
    List<String> inputs = node.getInputsToOp();
    SDVariable divisor = graph.getVariable(inputs.get(1));
    INDArray array = divisor.isConstant() ? graph.getArrForVarName(divisor.name()) : null;
    return array == null || array.isEmpty() || array.aminNumber().doubleValue() < 1;
  }
}
