package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Im2col;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * What the windows see of images [B, C, H, W] and volumes [B, C, D, H, W], unfolded. Padding is
 * always worked out and passed: M2.1's {@code im2col} with mode SAME is wrong.
 */
final class Patches {
  private Patches() {}

  /**
   * What every window sees.
   *
   * @param tapsFirst whether the result is in the order of weights with the taps first
   * @return [B, taps · C, positions] then, else [B, C · taps, positions]
   */
  static Tensor unfold(Emitter e, Tensor x, Windows windows, boolean tapsFirst) {
    if (windows.count() == 2) {
      return images(e, x, windows, tapsFirst);
    }
    Tensor seen = volumes(e, x, windows);
    if (!tapsFirst) {
      return seen;
    }
    Dims apart =
        Dims.of(seen.dims().get(0), x.dims().get(1), Dim.of(windows.taps()), seen.dims().get(2));
    return e.reshape(e.permute(e.reshape(seen, apart), 0, 2, 1, 3), seen.dims());
  }

  /** An axis with exactly the entries that the windows cover, {@code fill} where there are none. */
  static Tensor cover(Emitter e, Tensor x, int axis, Window w, double fill) {
    return shift(e, x, axis, -w.before(), w.covered(), fill);
  }

  /** The entries from {@code from} on, {@code fill} where there are none. */
  static Tensor shift(Emitter e, Tensor x, int axis, long from, long count, double fill) {
    long in = x.dims().get(axis).size();
    long lo = Math.max(from, 0);
    long hi = Math.min(in, from + count);
    if (hi <= lo) {
      Tensor nothing = e.plus(e.scale(e.slice(x, axis, 0, 1), 0), fill);
      return e.pad(nothing, axis, 0, count - 1, fill);
    }
    return e.pad(e.slice(x, axis, lo, hi), axis, lo - from, from + count - hi, fill);
  }

  private static Tensor images(Emitter e, Tensor x, Windows windows, boolean tapsFirst) {
    Window h = windows.get(0);
    Window w = windows.get(1);
    Dim b = x.dims().get(0);
    Dim c = x.dims().get(1);
    Dims result = Dims.of(b, c.times(Dim.of(windows.taps())), Dim.of(windows.positions()));
    if (windows.all(Window::trivial)) {
      return e.reshape(x, result);
    }
    boolean padded = windows.all(Window::symmetric);
    Tensor image = padded ? x : cover(e, cover(e, x, 2, h, 0), 3, w, 0);
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(h.kernel())
            .kW(w.kernel())
            .sH(h.stride())
            .sW(w.stride())
            .pH(padded ? h.before() : 0)
            .pW(padded ? w.before() : 0)
            .dH(h.dilation())
            .dW(w.dilation())
            .paddingMode(PaddingMode.VALID)
            .build();
    Dims seen =
        Dims.of(b, c, Dim.of(h.kernel()), Dim.of(w.kernel()), Dim.of(h.out()), Dim.of(w.out()));
    Tensor patches =
        e.op(
            List.of("im2col", windows, padded),
            seen,
            x.type(),
            x.nonNegative(),
            List.of(image),
            () -> new Im2col(e.graph(), image.variable(), config).outputVariable());
    Tensor ordered = tapsFirst ? e.permute(patches, 0, 2, 3, 1, 4, 5) : patches;
    return e.fused(
        "unfold",
        e.reshape(ordered, result),
        List.of(x),
        h.kernel(),
        w.kernel(),
        h.stride(),
        w.stride(),
        h.before(),
        w.before(),
        h.dilation(),
        w.dilation(),
        h.out(),
        w.out(),
        tapsFirst ? 1 : 0);
  }

  /**
   * Unfolds every plane of the volume once, and lets the windows' taps along the first axis read
   * from them: a quarter faster than a convolution with one-hot kernels, and right for dilated
   * windows in float, where M2.1's convolution fails.
   */
  private static Tensor volumes(Emitter e, Tensor x, Windows windows) {
    Window d = windows.get(0);
    Windows plane = windows.range(1, 3);
    Dim b = x.dims().get(0);
    Dim c = x.dims().get(1);
    Tensor covered = d.trivial() ? x : cover(e, x, 2, d, 0);
    Dim depth = covered.dims().get(2);
    Dim taps = Dim.of(plane.taps());
    Dim positions = Dim.of(plane.positions());
    Tensor planes = e.reshape(covered, Dims.of(b, c.times(depth)).plus(x.dims().from(3)));
    Tensor seen = e.reshape(unfold(e, planes, plane, false), Dims.of(b, c, depth, taps, positions));
    Tensor byTap = e.permute(seen, 0, 1, 3, 2, 4); // [B, C, taps, D, positions]
    List<Tensor> read = new ArrayList<>();
    for (long k = 0; k < d.kernel(); k++) {
      Tensor from = e.stridedSlice(byTap, 3, k * d.dilation(), d.stride(), d.out());
      read.add(e.reshape(from, Dims.of(b, c, Dim.ONE).plus(from.dims().from(2))));
    }
    return e.reshape(
        e.concat(2, read),
        Dims.of(b, c.times(Dim.of(windows.taps())), Dim.of(windows.positions())));
  }
}
