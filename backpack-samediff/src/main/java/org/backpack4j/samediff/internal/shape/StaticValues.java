package org.backpack4j.samediff.internal.shape;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The whole numbers in a graph that depend on nothing but the number of samples: constants, shapes,
 * and what is computed from them. Only they can be read before anything is fed.
 */
final class StaticValues {
  /** Ops that look at their inputs' shapes alone. */
  private static final Set<String> SHAPES =
      Set.of("shape_of", "shapes_of", "size", "size_at", "rank", "zeroslike", "ones_as");

  private final SameDiff graph;
  private final Set<String> names = new HashSet<>();
  private final Map<Integer, Map<String, INDArray>> values = new HashMap<>();

  StaticValues(SameDiff graph) {
    this.graph = graph;
  }

  /** Notes what an op has computed from a number of samples. */
  void note(int samples, SameDiffOp op, List<INDArray> outputs) {
    if (!settles(op)) {
      return;
    }
    for (int k = 0; k < outputs.size(); k++) {
      String name = op.getOutputsOfOp().get(k);
      names.add(name);
      if (!outputs.get(k).dataType().isFPType()) {
        values.computeIfAbsent(samples, n -> new HashMap<>()).put(name, outputs.get(k));
      }
    }
  }

  /** Whether an op's results depend on nothing but the number of samples. */
  boolean settles(SameDiffOp op) {
    if (RandomOps.draws(op.getOp())) {
      return false;
    }
    List<String> inputs = op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
    return SHAPES.contains(op.getOp().opName()) || inputs.stream().allMatch(this::known);
  }

  private boolean known(String variable) {
    return names.contains(variable)
        || graph.getVariable(variable).getVariableType() == VariableType.CONSTANT;
  }

  /** Whether a variable depends on nothing but the number of samples. */
  boolean contains(String variable) {
    return names.contains(variable);
  }

  /** The value of a variable; null if it is not settled, or not of whole numbers. */
  @Nullable INDArray value(String variable, int samples) {
    return values.getOrDefault(samples, Map.of()).get(variable);
  }
}
