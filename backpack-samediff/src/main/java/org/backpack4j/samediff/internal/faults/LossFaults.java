package org.backpack4j.samediff.internal.faults;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.TransformOp;
import org.nd4j.linalg.api.ops.impl.loss.BaseLoss;
import org.nd4j.linalg.api.ops.impl.loss.CtcLoss;
import org.nd4j.linalg.api.ops.impl.loss.L2Loss;
import org.nd4j.linalg.api.ops.impl.loss.SoftmaxCrossEntropyWithLogitsLoss;
import org.nd4j.linalg.api.ops.impl.loss.SparseSoftmaxCrossEntropyLossWithLogits;

/**
 * Loss ops whose result is used for something: SameDiff gives such an op its own gradient, whatever
 * comes in from above.
 *
 * <p>That is right only where the whole loss grows by exactly what the op's result grows by. So
 * this follows, from the losses back, the factor between the two through sums of scalars; anything
 * else is a factor that is not known to be one.
 */
final class LossFaults {
  private static final Set<Class<?>> OTHER_LOSSES =
      Set.of(
          CtcLoss.class,
          L2Loss.class,
          SoftmaxCrossEntropyWithLogitsLoss.class,
          SparseSoftmaxCrossEntropyLossWithLogits.class);

  private static final Set<String> SUMS =
      Set.of("add", "add_scalar", "identity", "mergeadd", "mergesum", "sub_scalar");

  private final SameDiff graph;
  private final List<SameDiffOp> order;
  private final Map<String, Double> factors = new HashMap<>();
  private final Map<String, Boolean> scalars = new HashMap<>();

  private LossFaults(SameDiff graph, Collection<String> losses) {
    this.graph = graph;
    this.order = new ArrayList<>(ReferenceInterpreter.order(graph, losses));
    losses.forEach(loss -> factors.put(loss, 1.0));
  }

  static List<Fault> of(SameDiff graph, Collection<String> losses) {
    return new LossFaults(graph, losses).find();
  }

  private List<Fault> find() {
    List<Fault> faults = new ArrayList<>();
    order.forEach(this::findScalars);
    Collections.reverse(order);
    for (SameDiffOp op : order) {
      String output = op.getOutputsOfOp().get(0);
      double factor = factors.getOrDefault(output, 0.0);
      if (isLoss(op.getOp()) && factor != 0.0 && factor != 1.0) {
        faults.add(
            Fault.ofGradient(
                output,
                "This loss is used by another op (it is scaled, weighted, reduced or counted"
                    + " twice). SameDiff's gradient ignores that, and is the one of the plain"
                    + " loss.",
                "Write the loss out of simple ops, put the factor into its weights, or take the"
                    + " gradient from the extended graph."));
      }
      passBack(op, factor);
    }
    return faults;
  }

  private static boolean isLoss(DifferentialFunction op) {
    return op instanceof BaseLoss || OTHER_LOSSES.contains(op.getClass());
  }

  private void passBack(SameDiffOp op, double factor) {
    if (op.getInputsToOp() == null || factor == 0.0) {
      return;
    }
    for (int i = 0; i < op.getInputsToOp().size(); i++) {
      boolean passes = isSummand(op, i) && isScalar(op.getOutputsOfOp().get(0));
      factors.merge(op.getInputsToOp().get(i), passes ? factor : Double.NaN, Double::sum);
    }
  }

  private static boolean isSummand(SameDiffOp op, int input) {
    return SUMS.contains(op.getOp().opName())
        || (op.getOp().opName().equals("subtract") && input == 0);
  }

  /** Notes which results are known to be single numbers. */
  private void findScalars(SameDiffOp op) {
    List<String> inputs = op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
    boolean scalar =
        isReducedLoss(op.getOp())
            || isReductionOfAll(op.getOp())
            || (!inputs.isEmpty()
                && isElementwise(op.getOp())
                && inputs.stream().allMatch(this::isScalar));
    op.getOutputsOfOp().forEach(output -> scalars.put(output, scalar));
  }

  private static boolean isReducedLoss(DifferentialFunction op) {
    return op instanceof BaseLoss loss
        ? loss.getLossReduce() != LossReduce.NONE
        : op instanceof L2Loss;
  }

  private static boolean isReductionOfAll(DifferentialFunction op) {
    int[] axes = op.getDimensions();
    return op instanceof BaseReduceOp reduce
        && !reduce.isKeepDims()
        && reduce.getDimensionVariable() == null
        && (axes == null || axes.length == 0 || axes[0] == Integer.MAX_VALUE);
  }

  private static boolean isElementwise(DifferentialFunction op) {
    return SUMS.contains(op.opName())
        || Set.of("subtract", "multiply", "divide").contains(op.opName())
        || op instanceof ScalarOp
        || op instanceof TransformOp;
  }

  private boolean isScalar(String name) {
    SDVariable variable = graph.getVariable(name);
    INDArray array =
        variable.isConstant() || variable.getVariableType() == VariableType.VARIABLE
            ? variable.getArr()
            : null;
    return array != null ? array.rank() == 0 : scalars.getOrDefault(name, false);
  }
}
