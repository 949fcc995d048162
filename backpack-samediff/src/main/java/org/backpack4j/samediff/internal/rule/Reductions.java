package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce3.BaseReduce3Op;

/** What reductions have in common: their axes, and cotangents spread over what was reduced. */
final class Reductions {
  private Reductions() {}

  /** The reduced axes of the input, in ascending order. */
  static int[] axes(NodeContext context) {
    int rank = context.dims(0).rank();
    if (context.inputs() > 1 && !(context.node().function() instanceof BaseReduce3Op)) {
      INDArray given = context.constant(1);
      if (given == null) {
        throw new UnsupportedOpException(
            "the axes of " + context.node() + " are computed", "give them as a constant");
      }
      return given.isEmpty() ? new int[0] : normal(given.toLongVector(), rank);
    }
    return context.node().legacy() ? context.node().axes(rank) : ofCustomOp(context, rank);
  }

  /** A custom op has its axes as whole numbers; none stands for all. */
  private static int[] ofCustomOp(NodeContext context, int rank) {
    int[] axes = normal(context.node().iArgs(), rank);
    return axes.length == 0 ? IntStream.range(0, rank).toArray() : axes;
  }

  private static int[] normal(long[] axes, int rank) {
    return Arrays.stream(axes).mapToInt(k -> (int) (k < 0 ? k + rank : k)).sorted().toArray();
  }

  static BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (!place.hasSamples()) {
      return BatchAxes.withoutAxis(context);
    }
    int[] axes = axes(context);
    if (Arrays.stream(axes).anyMatch(k -> k == place.axis())) {
      return BatchAxis.reduced(context.node().op() + " runs over the sample axis");
    }
    long before = Arrays.stream(axes).filter(k -> k < place.axis()).count();
    boolean kept = context.outputDims(output).rank() == context.dims(0).rank();
    int axis = kept ? place.axis() : (int) (place.axis() - before);
    return BatchAxis.samples(axis, place.outer(), place.inner());
  }

  /**
   * The cotangent at the output with ones where axes of the input were reduced: [N or 1, V, F with
   * ones].
   */
  static Tensor spread(NodeContext context, Tensor cotangent) {
    return context.emit().reshape(cotangent, cotangent.dims().range(0, 2).plus(reduced(context)));
  }

  /** The per-sample shape of the input with ones where it is reduced. */
  static Dims reduced(NodeContext context) {
    BatchAxis place = context.batchAxis(0);
    Dims dims = context.dims(0);
    Dims kept = Dims.SCALAR;
    int[] axes = axes(context);
    for (int k = 0; k < dims.rank(); k++) {
      int axis = k;
      if (place.hasSamples() && k == place.axis() && !place.folded()) {
        continue;
      }
      boolean gone = Arrays.stream(axes).anyMatch(a -> a == axis);
      Dim dim = place.perSample(dims).get(place.perSampleAxis(k));
      kept = kept.plus(gone ? Dim.ONE : dim);
    }
    return kept;
  }

  /**
   * The sums of values [N, 1, F…] over what the reduction runs over, with ones in place of these
   * axes: [N, 1, F with ones], or [1, 1, …] where it runs over the samples.
   */
  static Tensor totals(NodeContext context, Tensor values) {
    Emitter e = context.emit();
    Dims lead = values.dims().range(0, 2);
    Dims target = reduced(context);
    Tensor sum = values;
    for (int k = target.rank() - 1; k >= 0; k--) {
      if (target.get(k).isOne() && !sum.dims().get(k + 2).isOne()) {
        Dims kept = sum.dims().with(k + 2, Dim.ONE);
        sum = e.reshape(e.sum(sum, k + 2, k + 3), kept);
      }
    }
    Dims ones = Dims.of(Dim.ONE, Dim.ONE).plus(target);
    return overSamples(context)
        ? e.reshape(e.sumOverSamples(sum), ones)
        : e.reshape(sum, lead.plus(target));
  }

  /**
   * The sums of tangents over what the reduction runs over.
   *
   * @param values [N or 1, V, F…] of the input
   * @return [N or 1, V, …] as tangents are at the output
   */
  static Tensor sums(NodeContext context, int output, Tensor values) {
    Emitter e = context.emit();
    Tensor sum = context.summed(values, reduced(context));
    if (overSamples(context)) {
      Tensor total = e.sumOverSamples(sum);
      sum = e.reshape(total, Dims.of(Dim.ONE).plus(total.dims()));
    }
    return e.reshape(sum, sum.dims().range(0, 2).plus(context.outputPerSample(output)));
  }

  private static boolean overSamples(NodeContext context) {
    BatchAxis place = context.batchAxis(0);
    return place.hasSamples() && Arrays.stream(axes(context)).anyMatch(k -> k == place.axis());
  }

  /** The output in the arrangement of the input: [N or 1, 1, F with ones]. */
  static Tensor result(NodeContext context, int output) {
    return spread(context, context.outputValue(output));
  }

  /** One over the number of entries that go into one result, as a value of ones' shape. */
  static Tensor inverseCount(NodeContext context, int rank) {
    return inverseCount(context, rank, 0);
  }

  /** One over the number of entries that go into one result, less a few. */
  static Tensor inverseCount(NodeContext context, int rank, int less) {
    Emitter e = context.emit();
    Dims dims = context.dims(0);
    Dim count = Dim.ONE;
    for (int axis : axes(context)) {
      count = count.times(dims.get(axis));
    }
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < rank; k++) {
      ones = ones.plus(Dim.ONE);
    }
    if (!count.samples()) {
      return e.literal(1.0 / (count.size() - less), context.type(0), ones);
    }
    Tensor n = e.reshape(e.sum(e.onesOverSamples(context.type(0)), 0, 1), ones);
    return e.div(e.literal(1, context.type(0), ones), e.plus(e.scale(n, count.size()), -less));
  }
}
