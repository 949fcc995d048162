package org.backpack4j.samediff.internal.faults;

import java.util.Arrays;
import java.util.Optional;
import org.backpack4j.samediff.internal.interpret.OpExecution;
import org.backpack4j.samediff.internal.interpret.StridedSlices;
import org.backpack4j.samediff.internal.interpret.TruncatedDivisions;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.summarystats.Variance;

/** What goes wrong in the forward pass, or when the graph is copied or saved. */
final class EvaluationFaults {
  private EvaluationFaults() {}

  static Optional<Fault> of(FaultSite context) {
    if (StridedSlices.isBackwards(context.graph(), context.node())) {
      return fault(
          context,
          "A strided slice with a negative stride makes M2.1 crash the Java machine.",
          "Use sd.reverse, and slice with a positive stride.");
    }
    if (TruncatedDivisions.canCrash(context.graph(), context.node())) {
      return fault(
          context,
          "M2.1 cuts the divisor down to a whole number, and crashes the Java machine where that"
              + " is zero.",
          TruncatedDivisions.REMEDY);
    }
    if (context.function().opName().equals("dropout_inverted")
        && context.graph().getVariable(context.inputs().get(0)).dataType() == DataType.DOUBLE) {
      return fault(
          context,
          "In double precision M2.1 fills the result of this op with garbage, also where nothing is"
              + " dropped.",
          "Use sd.nn().dropout, or single precision.");
    }
    if (isEmptyConvolution(context)) {
      return fault(
          context,
          "The kernel of this convolution is larger than its padded input: the output has no"
              + " elements, and M2.1 can crash the Java machine then.",
          "Use a smaller kernel, more padding, or PaddingMode.SAME.");
    }
    if (OpExecution.OVERWRITES_INPUT.contains(context.function().opName())) {
      return fault(
          context,
          "M2.1 computes this op in its input: the feed or parameter has other values afterwards,"
              + " and each further evaluation sees others again.",
          "Write it out as (x - m) * factor + m, m = x.mean(true, 1, 2).");
    }
    if (context.function().opName().equals("softmax") && isHalf(context) && isInnermost(context)) {
      return fault(
          context,
          "In half precision M2.1's softmax is wrong where all entries of a row are low (below -10"
              + " in HALF, -88 in BFLOAT16), and NaN where they are lower still.",
          "Take the row's maximum off first, or compute it in single precision.");
    }
    if (context.function().opName().equals("car") && isOfAnotherShape(context)) {
      return fault(
          context,
          "M2.1's replaceWhere does not broadcast: where the two arrays differ in shape, it reads"
              + " whatever lies in memory behind the smaller one, or leaves entries out.",
          "Bring both to one shape, by adding zeros of the other, say.");
    }
    if (context.function() instanceof Variance op && isAtRisk(op)) {
      return fault(
          context,
          "M2.1 forgets biasCorrected = false when it copies the op for the gradient or saves it:"
              + " the gradient, and the loaded graph, are those of the corrected variance.",
          "Use sd.math().moments(x, axes, keepDims)[1], which is right.");
    }
    return Optional.empty();
  }

  private static Optional<Fault> fault(FaultSite context, String problem, String cure) {
    return Optional.of(Fault.ofEvaluation(context.name(), problem, cure));
  }

  /** A standard deviation keeps the flag; only the variance itself loses it. */
  private static boolean isAtRisk(Variance op) {
    return op.getClass() == Variance.class && !op.isBiasCorrected();
  }

  /**
   * In double precision it begins at -708, which few networks meet: that would be a false alarm.
   */
  private static boolean isHalf(FaultSite context) {
    DataType type = context.graph().getVariable(context.inputs().get(0)).dataType();
    return type == DataType.FLOAT16 || type == DataType.BFLOAT16;
  }

  private static boolean isInnermost(FaultSite context) {
    long axis = context.integers().length == 0 ? -1 : context.integer(0);
    return axis == -1
        || context
            .shape(0)
            .filter(
                s ->
                    Arrays.stream(s)
                        .skip(axis < 0 ? axis + s.length + 1 : axis + 1)
                        .allMatch(x -> x <= 1))
            .isPresent();
  }

  private static boolean isOfAnotherShape(FaultSite context) {
    Optional<long[]> from = context.inputs().size() < 2 ? Optional.empty() : context.shape(1);
    Optional<long[]> into = context.shape(0);
    return from.isPresent()
        && into.isPresent()
        && !Arrays.equals(from.get(), into.get())
        && Arrays.stream(from.get()).anyMatch(extent -> extent != 1);
  }

  /** Without padding to the same size, and with spatial extents that are known to be too small. */
  private static boolean isEmptyConvolution(FaultSite context) {
    if (!context.function().opName().equals("conv2d") || context.integer(8) != 0) {
      return false;
    }
    int first = context.integer(9) == 1 ? 1 : 2;
    return context
        .shape(0)
        .filter(shape -> shape.length == 4)
        .filter(
            shape ->
                isTooSmall(context, 0, shape[first]) || isTooSmall(context, 1, shape[first + 1]))
        .isPresent();
  }

  private static boolean isTooSmall(FaultSite context, int axis, long extent) {
    long kernel = (context.integer(axis) - 1) * context.integer(6 + axis) + 1;
    return extent > 0 && extent + 2 * context.integer(4 + axis) < kernel;
  }
}
