package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * The axes along which an op works that keeps its first input's shape (softmax, normalisations), in
 * the arrangement of cotangents [N, V, F…].
 *
 * <p>Where one of them is the sample axis, sums also run over the samples; the gradient then is the
 * coupled one.
 */
final class Along {
  private final NodeContext context;
  private final int[] axes;

  /**
   * Axes of a node.
   *
   * @param context the node
   * @param axes axes of its first input, negative from the end
   */
  Along(NodeContext context, long... axes) {
    this.context = context;
    int rank = context.dims(0).rank();
    this.axes =
        Arrays.stream(axes)
            .mapToInt(k -> (int) (k < 0 ? k + rank : k))
            .distinct()
            .sorted()
            .toArray();
  }

  /** Where the output has its samples, and whether they influence each other. */
  BatchAxis batchAxis() {
    BatchAxis place = context.batchAxis(0);
    if (!place.hasSamples()) {
      return BatchAxes.withoutAxis(context);
    }
    return overSamples()
        ? place.coupling(context.node().op() + " works along the sample axis")
        : place;
  }

  /** Refuses what has no columns of single samples. */
  void checkHessianRoot() {
    if (overSamples()) {
      throw new UnsupportedOpException(
          context.node().op() + " works along the sample axis",
          "let the loss be a sum over samples");
    }
  }

  private boolean overSamples() {
    BatchAxis place = context.batchAxis(0);
    return place.hasSamples() && Arrays.stream(axes).anyMatch(k -> k == place.axis());
  }

  /** The axes among those of F, ascending, counted from the front of F. */
  private int[] inF() {
    BatchAxis place = context.batchAxis(0);
    return Arrays.stream(axes)
        .filter(k -> !place.hasSamples() || place.folded() || k != place.axis())
        .map(place::perSampleAxis)
        .toArray();
  }

  /**
   * Sums along the axes.
   *
   * @param t [N or 1, V, F…]
   * @return the sums, with extents of one where they ran
   */
  Tensor sum(Tensor t) {
    Emitter e = context.emit();
    int[] inF = inF();
    Tensor sum = t;
    int end = inF.length;
    while (end > 0) {
      int start = end - 1;
      while (start > 0 && inF[start - 1] == inF[start] - 1) {
        start--;
      }
      int from = 2 + inF[start];
      int to = 2 + inF[end - 1] + 1;
      Dims kept = sum.dims();
      for (int k = from; k < to; k++) {
        kept = kept.with(k, Dim.ONE);
      }
      sum = e.reshape(e.sum(sum, from, to), kept);
      end = start;
    }
    if (overSamples() && sum.dims().get(0).samples()) {
      sum = e.reshape(e.sum(sum, 0, 1), sum.dims().with(0, Dim.ONE));
    }
    return sum;
  }

  /** Means along the axes, as {@link #sum}. */
  Tensor mean(Tensor t) {
    Emitter e = context.emit();
    Dim count = count();
    Tensor mean = e.scale(sum(t), 1.0 / count.size());
    if (!count.samples()) {
      return mean;
    }
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < t.rank(); k++) {
      ones = ones.plus(Dim.ONE);
    }
    return e.div(mean, e.reshape(e.sum(e.onesOverSamples(t.type()), 0, 1), ones));
  }

  /** How many entries are summed. */
  Dim count() {
    Dim count = Dim.ONE;
    for (int axis : axes) {
      count = count.times(context.dims(0).get(axis));
    }
    return count;
  }

  // ---- one row of D entries for each position: [N, V, R, D] ----

  /** For each axis of [N, V, rows…, along…] the axis of [N, V, F…]. */
  private int[] alongLast(int rank) {
    int[] inF = inF();
    int[] order = new int[rank];
    int at = 0;
    for (int k = 0; k < rank; k++) {
      int axis = k - 2;
      if (Arrays.stream(inF).noneMatch(a -> a == axis)) {
        order[at++] = k;
      }
    }
    for (int axis : inF) {
      order[at++] = 2 + axis;
    }
    return order;
  }

  /**
   * A value by rows; not where the op works along the sample axis.
   *
   * @param t [N, V, F…]
   * @return [N, V, R, D]: D the entries along the axes, R all others
   */
  Tensor rows(Tensor t) {
    Emitter e = context.emit();
    Tensor last = e.permute(t, alongLast(t.rank()));
    int from = t.rank() - inF().length;
    return e.reshape(
        last,
        Dims.of(
            t.dims().get(0),
            t.dims().get(1),
            last.dims().range(2, from).product(),
            last.dims().from(from).product()));
  }

  /**
   * Values by rows as they were.
   *
   * @param rows [N, V, R, D], as {@link #rows} has it
   * @return [N, V, F…]
   */
  Tensor back(Tensor rows) {
    Dims part = context.perSample(0);
    int[] order = alongLast(2 + part.rank());
    int[] back = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      back[order[i]] = i;
    }
    Emitter e = context.emit();
    Dims permuted = rows.dims().range(0, 2).plus(part).permuted(order);
    return e.permute(e.reshape(rows, permuted), back);
  }
}
