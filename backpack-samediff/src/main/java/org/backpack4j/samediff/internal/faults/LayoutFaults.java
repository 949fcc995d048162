package org.backpack4j.samediff.internal.faults;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Arrays in 'f' order inside a graph: M2.1's array cache hands their memory out again for arrays in
 * 'c' order, but keeps the strides.
 *
 * <p>They come from the ops that answer in 'f' order, from parameters, constants and feeds. Where
 * one of two extents is one the two orders are the same, and nothing happens.
 */
final class LayoutFaults {
  /** The only ones of some two hundred ops that answer in 'f' order what they read in 'c' order. */
  private static final Set<String> ANSWER_IN_F_ORDER = Set.of("relu_layer", "xw_plus_b");

  private static final String PROBLEM =
      " M2.1's array cache takes such an array for one in 'c' order when it uses its memory again,"
          + " so that outputs, gradients and sd.fit can be wrong from the second evaluation on.";
  private static final String SWITCH_OFF =
      " or switch the cache off: sd.setEnableCache(false), and for sd.fit also"
          + " sd.createGradFunction() and sd.getFunction(\"grad\").setEnableCache(false).";

  private LayoutFaults() {}

  static Optional<Fault> of(FaultSite context) {
    boolean meets =
        ANSWER_IN_F_ORDER.contains(context.function().opName())
            && isRead(context)
            && !isOneColumn(context)
            && !isCacheOff(context.graph());
    return meets
        ? Optional.of(
            Fault.ofEvaluation(
                context.name(),
                "The op " + context.function().opName() + " answers in 'f' order." + PROBLEM,
                "Write it as x.mmul(w).add(b)," + SWITCH_OFF))
        : Optional.empty();
  }

  private static boolean isRead(FaultSite context) {
    List<String> readers =
        VariableLookup.variable(context.graph(), context.name()).getInputsForOp();
    return context.isDifferentiated() || (readers != null && !readers.isEmpty());
  }

  private static boolean isOneColumn(FaultSite context) {
    return context.shape(1).filter(weights -> weights.length == 2 && weights[1] == 1).isPresent();
  }

  /** The parameters and constants in 'f' order that some op reads, other than through a reshape. */
  static List<Fault> ofArrays(SameDiff graph) {
    List<Fault> faults = new ArrayList<>();
    for (Variable variable : graph.getVariables().values()) {
      List<String> readers = variable.getInputsForOp();
      if (readers != null
          && !readers.stream().allMatch(r -> laysOut(graph, r))
          && isInFOrder(variable.getVariable())) {
        faults.add(
            Fault.ofEvaluation(
                variable.getName(),
                "Its array is in 'f' order." + PROBLEM,
                "Give it an array in 'c' order, as in v.setArray(v.getArr().dup('c')),"
                    + SWITCH_OFF));
      }
    }
    return isCacheOff(graph) ? List.of() : faults;
  }

  /** What a reshape answers is in 'c' order, whatever it reads. */
  private static boolean laysOut(SameDiff graph, String op) {
    SameDiffOp reader = graph.getOps().get(op);
    return reader != null && reader.getOp().opName().equals("reshape");
  }

  private static boolean isInFOrder(SDVariable variable) {
    if (variable.getVariableType() != VariableType.VARIABLE && !variable.isConstant()) {
      return false;
    }
    INDArray array = variable.getArr();
    return array != null
        && array.ordering() == 'f'
        && Arrays.stream(array.shape()).filter(extent -> extent > 1).count() > 1;
  }

  /** Off for outputs, and off for gradients, which have a graph of their own. */
  private static boolean isCacheOff(SameDiff graph) {
    SameDiff gradient = graph.getFunction("grad");
    return !graph.isEnableCache() && gradient != null && !gradient.isEnableCache();
  }
}
