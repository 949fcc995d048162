package org.backpack4j.samediff.internal.dataset;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.ScalarOp;

/** By what a graph is known again: its ops and constants, and its parameters' values. */
public final class Identity {
  private Identity() {}

  /** The digests of a graph and of its parameters. */
  public static Map<String, String> of(SameDiff graph) {
    Contents ops = new Contents();
    new TreeMap<>(graph.getOps()).forEach((name, op) -> add(ops, op));
    Contents parameters = new Contents();
    Map<String, SDVariable> variables = new TreeMap<>();
    graph.variables().forEach(v -> variables.put(v.name(), v));
    variables.forEach(
        (name, variable) -> {
          if (variable.getVariableType() == VariableType.VARIABLE) {
            parameters.add(name).add(variable.getArr());
          } else if (variable.getVariableType() == VariableType.CONSTANT) {
            ops.add(name).add(variable.getArr());
          }
        });
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("graph", ops.text());
    identity.put("parameters", parameters.text());
    return identity;
  }

  private static void add(Contents contents, SameDiffOp op) {
    DifferentialFunction function = op.getOp();
    contents.add(op.getName()).add(function.opName());
    contents.add(String.valueOf(op.getInputsToOp())).add(String.valueOf(op.getOutputsOfOp()));
    contents.add(Arrays.toString(function.getDimensions()));
    if (function instanceof DynamicCustomOp custom) {
      contents.add(Arrays.toString(custom.iArgs()));
      contents.add(Arrays.toString(custom.tArgs()));
      contents.add(Arrays.toString(custom.bArgs()));
      contents.add(Arrays.toString(custom.dArgs()));
    } else if (function instanceof ScalarOp scalar && scalar.scalar() != null) {
      contents.add(scalar.scalar());
    }
  }
}
