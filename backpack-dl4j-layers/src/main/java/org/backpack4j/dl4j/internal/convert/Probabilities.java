package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.shape.Permute;
import org.nd4j.linalg.api.ops.impl.shape.Reshape;

/**
 * Rows of values that are what a softmax or a sigmoid of an earlier layer answers, only laid out
 * otherwise: what a loss layer reads that has no activation function of its own.
 *
 * @param function the op, a softmax or a sigmoid
 * @param movements what lays its answer out as rows, in order: reshapes and permutations
 * @param variables the names of its answer, and of that laid out
 */
record Probabilities(
    DifferentialFunction function, List<DynamicCustomOp> movements, Set<String> variables) {
  private static final Set<String> FUNCTIONS = Set.of("softmax", "sigmoid");

  /** How rows were made by a softmax or sigmoid; null if they weren't. */
  static @Nullable Probabilities of(SDVariable rows) {
    SameDiff graph = rows.getSameDiff();
    Deque<DynamicCustomOp> movements = new ArrayDeque<>();
    Set<String> variables = new LinkedHashSet<>();
    String name = rows.name();
    while (true) {
      variables.add(name);
      DifferentialFunction op = graph.getVariableOutputOp(name);
      if (op == null) {
        return null;
      }
      if (FUNCTIONS.contains(op.opName())) {
        return new Probabilities(op, List.copyOf(movements), variables);
      }
      if (!(op instanceof Reshape || op instanceof Permute) || op.args().length != 1) {
        return null;
      }
      movements.addFirst((DynamicCustomOp) op);
      name = op.arg(0).name();
    }
  }

  /** Whether the function is a softmax; else it is a sigmoid. */
  boolean softmax() {
    return function.opName().equals("softmax");
  }

  /** Whether an op of the graph so far reads what the function answers, beside the movements. */
  boolean readOtherwise() {
    long readers =
        function.getSameDiff().getOps().values().stream()
            .filter(op -> op.getInputsToOp() != null)
            .filter(op -> op.getInputsToOp().stream().anyMatch(variables::contains))
            .count();
    return readers > movements.size();
  }

  /** What goes into the function, laid out as the rows are. */
  SDVariable argument() {
    SDVariable rows = function.arg(0);
    SameDiff graph = function.getSameDiff();
    for (DynamicCustomOp op : movements) {
      rows =
          op instanceof Permute ? graph.permute(rows, order(op)) : graph.reshape(rows, target(op));
    }
    return rows;
  }

  /**
   * Whether each row is a softmax by itself: the axis of the function is the last one, and stays
   * so. A sigmoid is one of each value.
   *
   * @param measure tells shapes
   */
  boolean alongRows(Function<List<SDVariable>, List<long[]>> measure) {
    if (!softmax()) {
      return true;
    }
    List<SDVariable> laidOut = new ArrayList<>(List.of(function.arg(0)));
    movements.forEach(op -> laidOut.add(op.outputVariable()));
    List<long[]> shapes = measure.apply(laidOut);
    long[] given = ((DynamicCustomOp) function).iArgs();
    int axis = given.length == 0 ? -1 : Math.toIntExact(given[0]);
    axis = axis < 0 ? axis + shapes.get(0).length : axis;
    for (int k = 0; k < movements.size() && axis >= 0; k++) {
      DynamicCustomOp op = movements.get(k);
      axis =
          op instanceof Permute
              ? indexOf(order(op), axis)
              : reshaped(axis, shapes.get(k), shapes.get(k + 1));
    }
    return axis == shapes.get(shapes.size() - 1).length - 1;
  }

  private static int indexOf(int[] order, int axis) {
    return Arrays.stream(order).boxed().toList().indexOf(axis);
  }

  /** Where a reshape has an axis: one as long, with as many entries behind it; −1 for none. */
  private static int reshaped(int axis, long[] from, long[] to) {
    for (int k = to.length - 1; k >= 0; k--) {
      if (to[k] == from[axis] && behind(to, k) == behind(from, axis)) {
        return k;
      }
    }
    return -1;
  }

  private static long behind(long[] shape, int axis) {
    return Arrays.stream(shape, axis + 1, shape.length).reduce(1, (a, b) -> a * b);
  }

  private static int[] order(DynamicCustomOp permute) {
    return Arrays.stream(permute.iArgs()).mapToInt(Math::toIntExact).toArray();
  }

  /** The target, without M2.1's mark of the order before it, a negative number. */
  private static long[] target(DynamicCustomOp reshape) {
    return Arrays.stream(reshape.iArgs()).filter(d -> d >= -1).toArray();
  }
}
