package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code maxpool2d} and {@code maxpool3dnew}: the first maximum of a window, row by row, takes its
 * cotangent.
 *
 * <p>The maximum of a window is that of its rows' maxima, and the first one stands in the first row
 * that has it. So axes are worked one after the other. Masks [N, 1, R, k, out] say which tap of a
 * one-dimensional window is the first maximum; they are computed once from the values, not V times.
 * A cotangent [N, V, R, 1, out] times a mask is placed by {@link AxisMap}. That is some twenty
 * times faster than a transposed convolution with one-hot kernels.
 *
 * <p>Over images kernels can do the same by the places of the maxima, found once: {@code
 * max_pool_places} from x [B, C, H, W], with the arguments kH, kW, sH, sW, padTop, padLeft, dH, dW,
 * is for each window [B, C, oH, oW] the number of its first maximum in the image, row by row;
 * {@code max_pool} from x and the places is the pooling's output; {@code max_pool_backward} from
 * the places and the cotangent [B, V, C, oH, oW] is the result [B, V, C, H, W]. Window (o, p) has
 * its taps (i, j) at row o·sH + i·dH − padTop and column p·sW + j·dW − padLeft; those outside the
 * image do not count. The paddings may be negative.
 */
final class MaxPoolingRule implements Rule {
  /** Places are numbers of the images' type, and single precision counts no further. */
  private static final long LARGEST_IMAGE = 1L << 24;

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return Pooling.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    Pooling.of(context).check(context, false);
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true; // in pieces
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Pooling p = Pooling.of(context);
    Windows windows = p.windows();
    Tensor x = p.channels(e, context.value(0));
    Tensor s = p.channels(e, cotangent);
    List<List<Tensor>> masks = masks(e, x, windows);
    Tensor result = s;
    for (int axis = 0; axis < windows.count(); axis++) {
      Window w = windows.get(axis);
      if (!w.trivial()) {
        Tensor last = AxisMap.toEnd(e, result, 3 + axis);
        result = AxisMap.fromEnd(e, placed(e, last, masks.get(axis), w), 3 + axis);
      }
    }
    if (windows.count() == 2
        && windows.taps() > 1
        && windows.in().product().size() <= LARGEST_IMAGE) {
      Tensor places = places(e, x, windows, masks);
      e.fused("max_pool_backward", result, List.of(places, s));
      Tensor pooled = context.rawOutput(output);
      if (!p.images().last() && pooled.dims().equals(places.dims())) {
        e.fused("max_pool", pooled, List.of(withoutColumn(e, x), places));
      }
    }
    return p.back(e, result, context);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Pooling p = Pooling.of(context);
    Windows windows = p.windows();
    List<List<Tensor>> masks = masks(e, p.channels(e, context.value(0)), windows);
    Tensor picked = chosen(e, p.channels(e, tangent), windows, masks);
    return p.back(e, picked, context.outputPerSample(output));
  }

  /** Of each window the entry that the masks choose, the last axis first: [N, V, C, out…]. */
  private static Tensor chosen(
      Emitter e, Tensor values, Windows windows, List<List<Tensor>> masks) {
    Tensor chosen = values;
    for (int axis = windows.count() - 1; axis >= 0; axis--) {
      if (!windows.get(axis).trivial()) {
        List<Tensor> taps = taps(e, AxisMap.toEnd(e, chosen, 3 + axis), windows.get(axis), 0);
        chosen = AxisMap.fromEnd(e, chosen(e, taps, masks.get(axis)), 3 + axis);
      }
    }
    return chosen;
  }

  private static Tensor withoutColumn(Emitter e, Tensor value) {
    return e.reshape(value, value.dims().without(1));
  }

  /** The number of each window's first maximum in its image: [N, C, oH, oW]. */
  private static Tensor places(Emitter e, Tensor x, Windows windows, List<List<Tensor>> masks) {
    long height = windows.get(0).in();
    long width = windows.get(1).in();
    Tensor numbers =
        e.add(
            count(e, x.type(), height, width, 1, 1, 1, height, 1),
            count(e, x.type(), width, 1, 1, 1, 1, 1, width));
    Tensor chosen = chosen(e, numbers, windows, masks);
    Window h = windows.get(0);
    Window w = windows.get(1);
    return e.fused(
        "max_pool_places",
        withoutColumn(e, chosen),
        List.of(withoutColumn(e, x)),
        h.kernel(),
        w.kernel(),
        h.stride(),
        w.stride(),
        h.before(),
        w.before(),
        h.dilation(),
        w.dilation());
  }

  /** 0, step, 2 · step … in a shape. */
  private static Tensor count(Emitter e, DataType type, long numbers, long step, long... shape) {
    return e.constant(
        List.of("count", type, step, Dims.of(shape)),
        () -> Nd4j.arange(numbers).castTo(type).mul(step).reshape('c', shape));
  }

  /** Of each window the tap that the masks choose. */
  private static Tensor chosen(Emitter e, List<Tensor> taps, List<Tensor> masks) {
    return IntStream.range(0, masks.size())
        .mapToObj(k -> e.mul(taps.get(k), masks.get(k)))
        .reduce(e::add)
        .orElse(taps.get(0));
  }

  /**
   * For each axis, the last one first as in the forward pass, which tap is the first maximum: masks
   * […, out] of x with that axis at the end.
   */
  private static List<List<Tensor>> masks(Emitter e, Tensor x, Windows windows) {
    List<List<Tensor>> masks = new ArrayList<>();
    Tensor maxima = x;
    for (int axis = windows.count() - 1; axis >= 0; axis--) {
      Window w = windows.get(axis);
      if (w.trivial()) {
        masks.add(0, List.of());
        continue;
      }
      List<Tensor> running = running(e, AxisMap.toEnd(e, maxima, 3 + axis), w);
      Tensor largest = running.get(running.size() - 1);
      masks.add(0, firsts(e, running, largest));
      maxima = AxisMap.fromEnd(e, largest, 3 + axis);
    }
    return masks;
  }

  /** The maximum of the taps up to each. */
  private static List<Tensor> running(Emitter e, Tensor x, Window w) {
    List<Tensor> running = new ArrayList<>();
    for (Tensor tap : taps(e, x, w, Double.NEGATIVE_INFINITY)) {
      running.add(running.isEmpty() ? tap : e.max(running.get(running.size() - 1), tap));
    }
    return running;
  }

  /** What each tap sees along the last axis, {@code padding} beside it. */
  private static List<Tensor> taps(Emitter e, Tensor x, Window w, double padding) {
    int last = x.rank() - 1;
    Tensor covered = Patches.cover(e, x, last, w, padding);
    return LongStream.range(0, w.kernel())
        .mapToObj(k -> e.stridedSlice(covered, last, k * w.dilation(), w.stride(), w.out()))
        .toList();
  }

  /** One where the maximum is reached for the first time. */
  private static List<Tensor> firsts(Emitter e, List<Tensor> running, Tensor largest) {
    List<Tensor> reached =
        running.subList(0, running.size() - 1).stream()
            .map(r -> e.equal(r, largest, largest.type()))
            .toList();
    List<Tensor> firsts = new ArrayList<>();
    for (int k = 0; k < reached.size(); k++) {
      firsts.add(k == 0 ? reached.get(0) : e.sub(reached.get(k), reached.get(k - 1)));
    }
    if (!reached.isEmpty()) {
      firsts.add(e.minus(1, reached.get(reached.size() - 1)));
    }
    return firsts;
  }

  /** A cotangent [N, V, …, out] at the taps that the masks choose: [N, V, …, in]. */
  private static Tensor placed(Emitter e, Tensor s, List<Tensor> masks, Window w) {
    if (masks.isEmpty()) {
      return AxisMap.isLong(w) ? AxisMap.interleaved(e, List.of(s), w) : AxisMap.placed(e, s, w);
    }
    Dims lead = s.dims().range(0, s.rank() - 1);
    Dim rows = lead.from(2).product();
    Dim out = s.dims().get(s.rank() - 1);
    Dim n = s.dims().get(0);
    Dim v = s.dims().get(1);
    Dim maskN = masks.get(0).dims().get(0);
    Tensor result;
    if (AxisMap.isLong(w)) {
      Tensor flat = e.reshape(s, Dims.of(n, v, rows.times(out)));
      List<Tensor> taps =
          masks.stream()
              .map(m -> e.mul(flat, e.reshape(m, Dims.of(maskN, Dim.ONE, rows.times(out)))))
              .map(t -> e.reshape(t, Dims.of(t.dims().get(0), v, rows, out)))
              .toList();
      result = AxisMap.interleaved(e, taps, w);
    } else {
      Dims one = Dims.of(maskN, Dim.ONE, rows, Dim.ONE, out);
      Tensor all = e.concat(3, masks.stream().map(m -> e.reshape(m, one)).toList());
      Tensor taps = e.mul(e.reshape(s, Dims.of(n, v, rows, Dim.ONE, out)), all);
      Dims joined = taps.dims().range(0, 3).plus(out.times(Dim.of(masks.size())));
      result = AxisMap.placed(e, e.reshape(taps, joined), w);
    }
    return e.reshape(result, Dims.of(result.dims().get(0)).plus(lead.from(1)).plus(Dim.of(w.in())));
  }

  @Override
  public String name() {
    return "max pooling";
  }
}
