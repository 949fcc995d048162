package org.backpack4j.samediff.internal.faults;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backpack4j.samediff.internal.rewrite.RewriteSite;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Sums, means, maxima by segments that M2.1 gets wrong where an extent is one. With three axes all
 * are right, but for a mean of one row:
 *
 * <pre>
 * all, rows [1, D]                    taken for a vector: one entry, in a wrong place, the others lost
 * segment_max, _min, _prod, [P, 1]    the first segment is forgotten if it has one row; [P] likewise
 * segment_mean, one row [1, …]        zeros
 * </pre>
 *
 * Their gradients do likewise.
 */
public final class SegmentFaults {
  /** The ops that take a row for a vector. */
  public static final Set<String> OPS =
      Set.of(
          "segment_max",
          "segment_mean",
          "segment_min",
          "segment_prod",
          "segment_sum",
          "unsorted_segment_max",
          "unsorted_segment_mean",
          "unsorted_segment_min",
          "unsorted_segment_prod",
          "unsorted_segment_sqrt_n",
          "unsorted_segment_sum");

  private static final Set<String> OF_VECTORS =
      Set.of("segment_max", "segment_min", "segment_prod");
  private static final String MEAN = "segment_mean";
  private static final String SUM = "segment_sum";

  private static final Optional<Fault> NONE = Optional.empty();

  /** Rows of so many axes are right. */
  private static final int RIGHT = 3;

  private SegmentFaults() {}

  /** Says whether this is a matrix that may have a single row. */
  public static boolean isLone(Dims rows) {
    return isLone(extents(rows));
  }

  /** What goes wrong in an op of a person's graph, and how to write it instead. */
  static Optional<Fault> of(FaultSite context) {
    String op = context.function().opName();
    return OPS.contains(op) ? context.shape(0).flatMap(rows -> of(context.name(), op, rows)) : NONE;
  }

  private static Optional<Fault> of(String name, String op, long[] rows) {
    if (op.equals(MEAN) && rows.length > 0 && mayBeOne(rows[0])) {
      return Optional.of(
          Fault.ofEvaluation(
              name,
              "M2.1 computes zeros for the mean of a single row.",
              "Use unsorted_segment_mean on rows with three axes, [rows, D, 1]."));
    }
    if (isLone(rows)) {
      return Optional.of(
          Fault.ofEvaluation(
              name,
              "M2.1 takes a single row [1, D] for a vector of D entries: one of them arrives, in a"
                  + " wrong place, and the gradient does likewise.",
              "Reshape the rows to [rows, D, 1], and the result back."));
    }
    if (isAtRisk(op, rows)) {
      return Optional.of(
          Fault.ofEvaluation(
              name,
              "M2.1 forgets the first segment of a vector, if that has a single entry, and so does"
                  + " the gradient.",
              "Reshape the vector to [rows, 1, 1], and the result back."));
    }
    return NONE;
  }

  /** Whether an op goes wrong on rows of that shape; −1 is what may be one or more. */
  private static boolean isAtRisk(String op, long[] rows) {
    boolean vector = rows.length == 1 || (rows.length == 2 && mayBeOne(rows[1]));
    return isLone(rows)
        || (OF_VECTORS.contains(op) && vector)
        || (op.equals(MEAN) && rows.length > 0 && mayBeOne(rows[0]));
  }

  private static boolean isLone(long[] rows) {
    return rows.length == 2 && mayBeOne(rows[0]) && rows[1] != 1;
  }

  private static boolean mayBeOne(long extent) {
    return extent == 1 || extent < 0;
  }

  private static long[] extents(Dims dims) {
    return dims.list().stream()
        .mapToLong(d -> d.samples() && d.size() == 1 ? -1 : d.size())
        .toArray();
  }

  /** Says whether an op goes wrong on these rows. */
  public static boolean isAtRisk(String op, INDArray rows) {
    return OPS.contains(op) && isAtRisk(op, rows.shape());
  }

  /** The shape with ones behind it, so that it has enough axes. */
  private static Dims more(int rank) {
    return Dims.ones(Math.max(0, RIGHT - rank));
  }

  /** The mean of a row is the row. */
  private static boolean isSum(String op, long rows) {
    return op.equals(MEAN) && rows == 1;
  }

  /** The op on rows with more axes; nothing where the rows are not at risk. */
  public static List<SDVariable> of(RewriteSite context) {
    Dims dims = context.dims(0);
    String op = context.node().op();
    if (!isAtRisk(op, extents(dims))) {
      return List.of();
    }
    Dims more = more(dims.rank());
    List<SDVariable> inputs = new ArrayList<>();
    inputs.add(context.reshape("rows", context.input(0), dims, dims.plus(more)));
    for (int k = 1; k < context.inputs(); k++) {
      inputs.add(context.input(k));
    }
    SDVariable result =
        isSum(op, extents(dims)[0])
            ? context.graph().segmentSum(inputs.get(0), inputs.get(1))
            : context.again(inputs).outputVariables()[0];
    Dims out = context.outputDims(0);
    return List.of(context.reshape("segments", result, out.plus(more), out));
  }

  /** The op's result on rows that are at risk. */
  public static INDArray run(DynamicCustomOp op, List<INDArray> inputs) {
    INDArray rows = inputs.get(0);
    Dims shape = Dims.of(rows.shape());
    Dims more = more(rows.rank());
    INDArray[] arguments = inputs.toArray(new INDArray[0]);
    arguments[0] = rows.reshape(shape.plus(more).toLongs());
    String name = isSum(op.opName(), rows.size(0)) ? SUM : op.opName();
    DynamicCustomOp.DynamicCustomOpsBuilder again =
        DynamicCustomOp.builder(name).addInputs(arguments);
    synchronized (op) {
      for (long argument : op.iArgs()) {
        again.addIntegerArguments(argument);
      }
    }
    INDArray result = Nd4j.exec(again.build())[0];
    return result.reshape(shape.with(0, Dim.of(result.size(0))).toLongs());
  }
}
