package org.backpack4j.samediff.internal.faults;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.ScalarOp;

/**
 * Ops whose gradient SameDiff gets wrong, each found by central differences, one op at a time.
 *
 * <p>They are reported where a gradient has to pass them.
 */
final class GradientFaults {
  private static final String WRONG = "SameDiff's gradient of this op is wrong.";
  private static final String BROADCAST =
      "SameDiff's gradient of this op is wrong for an input that is broadcast.";
  private static final String TILE = "Tile the smaller input to the shape of the other first.";
  private static final String EXTENDED =
      "Take the gradient from the extended graph where that supports the op, or ";

  /** Sorted by op. */
  private static final Map<String, Entry> TABLE =
      Map.ofEntries(
          entry(
              "batchnorm",
              FaultSite::isDifferentiated,
              "SameDiff cannot differentiate this op: its gradient op loses the axis, and would be"
                  + " that of training mode also where the statistics are fixed.",
              EXTENDED + "write it out: (x - mean) * gamma / sqrt(variance + eps) + beta."),
          entry(
              "batchnorm_bp",
              context -> true,
              "This op is the gradient of training mode: where the statistics are fixed, the"
                  + " gradient of its input is wrong.",
              "Write the gradient out: dy * gamma / sqrt(variance + eps)."),
          entry(
              "ClipByValue",
              context -> context.isDifferentiatedBy(0) && context.inputs().size() > 1,
              "SameDiff's gradient of a clipping whose bounds are inputs takes both for zero.",
              "Give the bounds as numbers, or write min(max(x, lower), upper)."),
          entry(
              "car",
              context -> context.isDifferentiatedBy(1),
              "SameDiff's gradient of what replaces entries is that of the entries replaced.",
              EXTENDED + "compare, and select by sd.where."),
          entry(
              "clipbynorm",
              FaultSite::isDifferentiated,
              WRONG,
              EXTENDED + "multiply by min(1, c / norm) yourself."),
          entry(
              "cross",
              FaultSite::isDifferentiated,
              WRONG,
              EXTENDED + "write the products of components out."),
          entry(
              "cumprod",
              FaultSite::isDifferentiated,
              WRONG,
              EXTENDED + "multiply slices one by one."),
          entry(
              "cumsum",
              FaultSite::isDifferentiated,
              WRONG,
              EXTENDED + "multiply by a triangular matrix of ones."),
          entry(
              "divide_no_nan",
              GradientFaults::mayDivideByZero,
              "SameDiff's gradient of this op is that of a plain division: not a number, or"
                  + " infinite, where the divisor is zero.",
              EXTENDED + "add one to the divisor where it is zero, and mask the quotient there."),
          entry(
              "floormod",
              context -> context.isDifferentiatedBy(1),
              "SameDiff's gradient of the divisor is wrong.",
              EXTENDED + "write it out: x - floor(x / y) * y."),
          entry(
              "gather",
              GradientFaults::isGatherOfRows,
              "SameDiff's gradient of a gather along axis 0 puts rows where they do not belong,"
                  + " unless the indices are 0, 1, 2, ... in this order; of several rows with one"
                  + " index it keeps the last.",
              EXTENDED + "multiply the table by sd.oneHot(indices)."),
          entry(
              "gru",
              FaultSite::isDifferentiated,
              WRONG,
              EXTENDED + "write the gates out of matrix products."),
          entry(
              "lrn", FaultSite::isDifferentiated, WRONG, EXTENDED + "write the normalisation out."),
          entry(
              "matrix_inverse",
              FaultSite::isDifferentiated,
              WRONG,
              EXTENDED + "write the gradient out: -transpose(inverse) dY transpose(inverse)."),
          entry("maximum", GradientFaults::isBroadcast, BROADCAST, TILE),
          entry("minimum", GradientFaults::isBroadcast, BROADCAST, TILE),
          entry(
              "mod",
              FaultSite::isDifferentiated,
              WRONG,
              EXTENDED + "write it out: x - floor(x / y) * y where both have the same sign."),
          entry(
              "pad",
              context -> context.isDifferentiatedBy(0) && context.integer(0) != 0,
              "SameDiff's gradient of a reflecting or symmetric padding is that of a constant one.",
              EXTENDED + "put the padding together from slices that are reversed."),
          entry(
              "relu6",
              context ->
                  context.isDifferentiated()
                      && context.function() instanceof ScalarOp op
                      && op.scalar().getDouble(0) != 0,
              "SameDiff's gradient of this op ignores the cutoff.",
              EXTENDED + "multiply sd.nn().relu6(x, 0) by the mask x > cutoff."),
          entry(
              "strided_slice",
              context ->
                  context.isDifferentiatedBy(0)
                      && context.shape(0).filter(GradientFaults::isOneRow).isPresent(),
              "SameDiff's gradient of a slice of a single row [1, D] is wrong: it forgets where a"
                  + " single entry came from, and reads memory that is not its own where there are"
                  + " several.",
              EXTENDED + "use sd.slice, or reshape the row to [1, D, 1] first."),
          entry("tf_atan2", GradientFaults::isBroadcast, BROADCAST, TILE),
          entry(
              "upsampling2d",
              context -> context.isDifferentiated() && context.integer(2) == 0,
              "SameDiff's gradient of this op is wrong with channels last.",
              "Permute to channels first, upsample, and permute back."));

  private GradientFaults() {}

  private record Entry(Predicate<FaultSite> meets, String problem, String cure) {}

  private static Map.Entry<String, Entry> entry(
      String op, Predicate<FaultSite> meets, String problem, String cure) {
    return Map.entry(op, new Entry(meets, problem, cure));
  }

  static Optional<Fault> of(FaultSite context) {
    return Optional.ofNullable(TABLE.get(context.function().opName()))
        .filter(entry -> entry.meets().test(context))
        .map(entry -> fault(context, entry));
  }

  /** An op that is a gradient itself is evaluated, by whoever wrote it. */
  private static Fault fault(FaultSite context, Entry entry) {
    return context.function().opName().endsWith("_bp")
        ? Fault.ofEvaluation(context.name(), entry.problem(), entry.cure())
        : Fault.ofGradient(context.name(), entry.problem(), entry.cure());
  }

  /** A division by something that is not known to be zero nowhere. */
  private static boolean mayDivideByZero(FaultSite context) {
    return context.isDifferentiated()
        && context.constant(1).map(divisor -> holdsZero(divisor)).orElse(true);
  }

  private static boolean holdsZero(INDArray array) {
    return !array.isEmpty() && array.aminNumber().doubleValue() == 0;
  }

  /** A gather along axis 0 from a table that is trained, by indices that may be anything. */
  private static boolean isGatherOfRows(FaultSite context) {
    long[] integers = context.integers();
    boolean rows =
        context.isDifferentiatedBy(0)
            && integers.length > 0
            && (integers[0] == 0
                || context.shape(0).filter(table -> integers[0] == -table.length).isPresent());
    long[] written = Arrays.stream(integers).skip(1).toArray();
    return rows
        && !(written.length > 0 && isCount(written))
        && !context.constant(1).map(GradientFaults::isCount).orElse(false);
  }

  private static boolean isCount(INDArray indices) {
    return indices.rank() == 1 && !indices.isEmpty() && isCount(indices.toLongVector());
  }

  private static boolean isCount(long[] indices) {
    for (int i = 0; i < indices.length; i++) {
      if (indices[i] != i) {
        return false;
      }
    }
    return true;
  }

  /**
   * Of two inputs one is trained and may be broadcast: its shape is not known to be the other's.
   */
  private static boolean isBroadcast(FaultSite context) {
    return (context.isDifferentiatedBy(0) && !hasExtentsOf(context, 0, 1))
        || (context.isDifferentiatedBy(1) && !hasExtentsOf(context, 1, 0));
  }

  /** Says whether an input is known to be as large as another along every axis of that one. */
  private static boolean hasExtentsOf(FaultSite context, int input, int other) {
    if (context.inputs().get(input).equals(context.inputs().get(other))) {
      return true;
    }
    Optional<long[]> large = context.shape(input);
    Optional<long[]> small = context.shape(other);
    if (large.isEmpty() || small.isEmpty() || large.get().length < small.get().length) {
      return false;
    }
    int leading = large.get().length - small.get().length;
    for (int i = 0; i < small.get().length; i++) {
      long extent = small.get()[i];
      // Two unknown extents are the number of samples, as a rule.
      if (extent != 1 && extent != large.get()[leading + i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isOneRow(long[] shape) {
    return shape.length == 2 && shape[0] == 1;
  }
}
