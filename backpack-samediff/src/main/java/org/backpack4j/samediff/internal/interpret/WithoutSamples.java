package org.backpack4j.samediff.internal.interpret;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.backpack4j.samediff.internal.nd4j.Contiguous;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.backpack4j.samediff.spi.Dims;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.loss.BaseLoss;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What the variables of a graph are where there is no sample. M2.1 cannot be asked: over an axis of
 * extent zero its sums are whatever lies in memory, and several of its ops kill the Java machine.
 *
 * <p>A variable with a sample axis is empty. What is summed over samples is zero. What does not
 * depend on samples is computed, op by op, and no op ever reads an empty array. Everything else, a
 * mean above all, is not defined.
 */
public final class WithoutSamples {
  /** Sums over whatever axes they are given. */
  private static final Set<String> SUMS =
      Set.of(
          "asum",
          "count_nonzero",
          "countNonZero",
          "dot",
          "l2_loss",
          "manhattan",
          "euclidean",
          "matmul",
          "reduce_dot",
          "reduce_norm1",
          "reduce_norm2",
          "reduce_sqnorm",
          "reduce_sum",
          "segment_sum",
          "squaredNorm",
          "tensordot",
          "unsorted_segment_sum");

  private final SameDiff graph;
  private final Function<String, @Nullable Dims> dims;
  private final Predicate<String> isTotal;
  private final Map<String, INDArray> known = new HashMap<>();

  /**
   * The values of a graph without samples; nothing is computed yet.
   *
   * @param graph the graph, which is only read
   * @param dims the shapes of its variables, as far as they are known
   * @param isTotal whether a variable is known to be a sum over samples
   */
  public WithoutSamples(
      SameDiff graph, Function<String, @Nullable Dims> dims, Predicate<String> isTotal) {
    this.graph = graph;
    this.dims = dims;
    this.isTotal = isTotal;
  }

  /** That a value is not defined where there is no sample. */
  public static final class Undefined extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    Undefined(String message) {
      super(message);
    }
  }

  /**
   * A variable's value.
   *
   * @param name the variable's name
   * @return the value, not to be changed
   * @throws Undefined if it is not defined without samples
   */
  public INDArray value(String name) {
    INDArray value = known.get(name);
    if (value == null) {
      value = compute(name);
      known.put(name, value);
    }
    return value;
  }

  private INDArray compute(String name) {
    SDVariable variable = graph.getVariable(name);
    Dims shape = dims.apply(name);
    if (shape != null && (shape.sampleAxis() >= 0 || shape.isOfPairs())) {
      return empty(variable.dataType(), shape);
    }
    if (shape != null && isTotal.test(name)) {
      return filled(variable.dataType(), shape, 0);
    }
    String producer = VariableLookup.variable(graph, name).getOutputOfOp();
    if (producer != null) {
      return result(VariableLookup.op(graph, producer), name, shape);
    }
    if (variable.isPlaceHolder()) {
      throw new Undefined(
          "The placeholder \"" + name + "\" has no sample axis: what depends on it is not known.");
    }
    return Contiguous.of(graph.getArrForVarName(name));
  }

  private INDArray result(SameDiffOp op, String name, @Nullable Dims shape) {
    OpExecution.checkSupported(graph, op);
    List<INDArray> inputs = new ArrayList<>();
    boolean empty = false;
    for (String input : op.getInputsToOp() == null ? List.<String>of() : op.getInputsToOp()) {
      INDArray value = value(input);
      inputs.add(value);
      empty |= value.isEmpty() && dependsOnSamples(input);
    }
    if (empty) {
      return ofNothing(op, inputs, name, shape);
    }
    if (RandomOps.draws(op.getOp())) {
      throw new Undefined("\"" + name + "\" is drawn at random.");
    }
    List<INDArray> results = OpExecution.run(graph, op, inputs);
    for (int k = 0; k < results.size(); k++) {
      known.put(op.getOutputsOfOp().get(k), results.get(k));
    }
    return results.get(op.getOutputsOfOp().indexOf(name));
  }

  /** An array without entries that a person's graph has anyway is no matter of samples. */
  private boolean dependsOnSamples(String name) {
    Dims shape = dims.apply(name);
    return shape == null || shape.sampleAxis() >= 0;
  }

  /** What an op makes of an array without entries. */
  private INDArray ofNothing(
      SameDiffOp op, List<INDArray> inputs, String name, @Nullable Dims shape) {
    String kind = op.getOp().opName();
    DataType type = graph.getVariable(name).dataType();
    long[] first = inputs.get(0).shape();
    switch (kind) {
      case "shape_of":
        return Nd4j.createFromArray(first).castTo(type);
      case "size_at":
        return Nd4j.scalar(type, first[axis(op, first.length)]);
      case "rank":
        return Nd4j.scalar(type, first.length);
      case "size":
        return Nd4j.scalar(type, inputs.get(0).length());
      default:
        break;
    }
    if (shape != null && (SUMS.contains(kind) || isSummedLoss(op))) {
      return filled(type, shape, 0);
    }
    if (shape != null && kind.equals("reduce_prod")) {
      return filled(type, shape, 1);
    }
    throw new Undefined(
        "\"" + name + "\" (" + kind + ") is not defined for a batch without a sample.");
  }

  private static int axis(SameDiffOp op, int rank) {
    DynamicCustomOp sizeAt = (DynamicCustomOp) op.getOp();
    synchronized (sizeAt) {
      int axis = (int) sizeAt.iArgs()[0];
      return axis < 0 ? axis + rank : axis;
    }
  }

  @SuppressWarnings("EnumOrdinal") // as ND4J keeps it
  private static boolean isSummedLoss(SameDiffOp op) {
    if (!(op.getOp() instanceof BaseLoss loss)) {
      return false;
    }
    synchronized (loss) {
      long[] arguments = loss.iArgs();
      return arguments.length > 0 && arguments[0] == LossReduce.SUM.ordinal();
    }
  }

  private static INDArray empty(DataType type, Dims dims) {
    long[] shape = dims.list().stream().mapToLong(d -> d.samples() ? 0 : d.size()).toArray();
    return Nd4j.create(type, shape);
  }

  private static INDArray filled(DataType type, Dims dims, double number) {
    INDArray array = Nd4j.create(type, dims.toLongs());
    return number == 0 ? array : array.assign(number);
  }
}
