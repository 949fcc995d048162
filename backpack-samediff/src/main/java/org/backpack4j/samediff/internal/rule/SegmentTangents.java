package org.backpack4j.samediff.internal.rule;

import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Tangents through reductions of segments, which are named by an index for each entry of the first
 * axis: every result gets the sum over its segment of ∂y/∂xᵢ times xᵢ's tangent.
 */
final class SegmentTangents {
  /** The axis of the segments in [N, V, F…]: the op's first axis is not that of the samples. */
  private static final int AXIS = 2;

  private SegmentTangents() {}

  static Tensor of(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Tensor sums = sums(context, e.mul(tangent, slope(context)));
    Dims lead = sums.dims().range(0, 2);
    return e.reshape(sums, lead.plus(context.outputPerSample(output)));
  }

  private static int count(NodeContext context) {
    return Math.toIntExact(context.outputDims(0).get(0).size());
  }

  /** [N, V, P, …] to [N, V, K, …]. */
  private static Tensor sums(NodeContext context, Tensor values) {
    Emitter e = context.emit();
    int[] first =
        IntStream.range(0, values.rank()).map(k -> k == 0 ? AXIS : k <= AXIS ? k - 1 : k).toArray();
    int[] back =
        IntStream.range(0, values.rank()).map(k -> k == AXIS ? 0 : k < AXIS ? k + 1 : k).toArray();
    Tensor rows = e.permute(values, first);
    Dims others = rows.dims().from(1);
    Tensor flat = e.reshape(rows, Dims.of(rows.dims().get(0), others.product()));
    Tensor sums = e.sumByIndex(flat, context.raw(1), count(context));
    return e.permute(e.reshape(sums, Dims.of(sums.dims().get(0)).plus(others)), back);
  }

  /** ∂y/∂xᵢ, [N, 1, P, …] or with ones; where several are the extremum each has a derivative. */
  private static Tensor slope(NodeContext context) {
    Emitter e = context.emit();
    String op = context.node().op();
    if (op.endsWith("_mean")) {
      return e.reciprocal(sizes(context));
    }
    if (op.endsWith("_sqrt_n")) {
      return e.reciprocal(e.sqrt(sizes(context)));
    }
    if (op.endsWith("_sum")) {
      return e.literal(1, context.type(0), Dims.ones(2 + context.perSample(0).rank()));
    }
    Tensor x = context.value(0);
    Tensor own = e.gather(context.outputValue(0), AXIS, context.raw(1));
    return op.endsWith("_prod") ? e.div(own, x) : e.equal(x, own, x.type());
  }

  /** For each entry how many there are in its segment. */
  private static Tensor sizes(NodeContext context) {
    Emitter e = context.emit();
    Dim entries = context.dims(0).get(0);
    Tensor ones = e.ones(context.type(0), entries.size(), 1);
    Tensor sizes = e.sumByIndex(ones, context.raw(1), count(context));
    Tensor own = e.gather(e.reshape(sizes, Dims.of(sizes.dims().get(0))), 0, context.raw(1));
    Dims aligned = Dims.ones(2 + context.perSample(0).rank()).with(AXIS, entries);
    return e.reshape(own, aligned);
  }
}
