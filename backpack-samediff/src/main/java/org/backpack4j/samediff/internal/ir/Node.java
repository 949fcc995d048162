package org.backpack4j.samediff.internal.ir;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;

/**
 * One op of a graph, as the passes see it. A node is equal to itself alone: the hash that Java
 * makes of a record would have ND4J's op look at its arrays, by native reductions.
 *
 * @param name the op's own name
 * @param function ND4J's op
 * @param inputs the names of the variables that it reads
 * @param outputs the names of the variables that it computes
 */
public record Node(
    String name, DifferentialFunction function, List<String> inputs, List<String> outputs) {
  /**
   * What is written before the graph is changed.
   *
   * @param name the op's own name
   * @param function ND4J's op
   * @param inputs the names of the variables that it reads; copied
   * @param outputs the names of the variables that it computes; copied
   */
  public Node {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /**
   * The kind of op.
   *
   * @return ND4J's name, such as {@code conv2d}
   */
  public String op() {
    return function.opName();
  }

  /**
   * The integer arguments.
   *
   * @return the arguments; none for an op that is not a custom op
   */
  public long[] iArgs() {
    return function instanceof DynamicCustomOp op ? op.iArgs() : new long[0];
  }

  /**
   * An integer argument.
   *
   * @param index which one
   * @param otherwise the value where the op has fewer
   * @return its value
   */
  public long iArg(int index, long otherwise) {
    long[] arguments = iArgs();
    return index < arguments.length ? arguments[index] : otherwise;
  }

  /**
   * A floating point argument.
   *
   * @param index which one
   * @param otherwise the value where the op has fewer
   * @return its value
   */
  public double tArg(int index, double otherwise) {
    double[] arguments = function instanceof DynamicCustomOp op ? op.tArgs() : new double[0];
    return index < arguments.length ? arguments[index] : otherwise;
  }

  /**
   * A boolean argument.
   *
   * @param index which one
   * @param otherwise the value where the op has fewer
   * @return its value
   */
  public boolean bArg(int index, boolean otherwise) {
    boolean[] arguments = function instanceof DynamicCustomOp op ? op.bArgs() : new boolean[0];
    return index < arguments.length ? arguments[index] : otherwise;
  }

  /**
   * The scalar of a scalar op.
   *
   * @return the scalar
   * @throws IllegalStateException if the op has none
   */
  public double scalar() {
    if (function instanceof ScalarOp op && op.scalar() != null) {
      return op.scalar().getDouble(0);
    }
    throw new IllegalStateException(this + " has no scalar");
  }

  /**
   * The axes of a reduction.
   *
   * @param rank the rank of what is reduced
   * @return the axes in ascending order, none negative
   */
  public int[] axes(int rank) {
    int[] given = function.getDimensions();
    boolean all = given == null || given.length == 0 || given[0] == Integer.MAX_VALUE;
    return java.util.stream.IntStream.range(0, rank)
        .filter(
            k -> all || java.util.Arrays.stream(given).anyMatch(d -> (d < 0 ? d + rank : d) == k))
        .toArray();
  }

  /**
   * Whether a reduction keeps the axes that it sums over.
   *
   * @return true if they stay with extent one
   */
  public boolean keepsAxes() {
    return function instanceof ReduceOp op && op.isKeepDims();
  }

  /**
   * Whether this is one of ND4J's older ops, without a list of arguments.
   *
   * @return true for reductions, scalar ops and transforms of the older kind
   */
  public boolean legacy() {
    return function instanceof Op;
  }

  /**
   * What a person knows the node by: its first output, or the op's own name if it has none.
   *
   * @return a variable's name
   */
  public String label() {
    return outputs.isEmpty() ? name : outputs.get(0);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return name
        .hashCode(); // unlike an identity's the same in each run, and the order of sets with it
  }

  @Override
  public String toString() {
    return "\"" + label() + "\" (" + op() + ")";
  }
}
