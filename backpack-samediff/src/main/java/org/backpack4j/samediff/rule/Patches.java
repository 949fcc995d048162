package org.backpack4j.samediff.rule;

import java.util.List;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.ops.impl.layers.convolution.DeConv2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Im2col;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * Sliding windows over images [B, C, H, W]: unfolded, and their transpose. Padding is always worked
 * out and passed.
 */
final class Patches {
  private Patches() {}

  /** The image with exactly the rows (or columns) that the windows cover. */
  private static Tensor cover(Emitter e, Tensor x, int axis, Window w) {
    Tensor inside = w.before() < 0 ? e.slice(x, axis, -w.before(), w.in()) : x;
    long before = Math.max(w.before(), 0);
    long behind = w.covered() - before - inside.dims().get(axis).size();
    Tensor cut =
        behind < 0 ? e.slice(inside, axis, 0, inside.dims().get(axis).size() + behind) : inside;
    return e.pad(cut, axis, before, Math.max(behind, 0));
  }

  /**
   * What every window sees.
   *
   * @return [B, C · kH · kW, oH · oW]
   */
  static Tensor unfold(Emitter e, Tensor x, Window h, Window w) {
    Dim b = x.dims().get(0);
    Dim c = x.dims().get(1);
    Dims result = Dims.of(b, c.times(Dim.of(h.kernel() * w.kernel())), Dim.of(h.out() * w.out()));
    if (h.kernel() * w.kernel() == 1
        && h.stride() * w.stride() == 1
        && h.before() == 0
        && w.before() == 0) {
      return e.reshape(x, result);
    }
    boolean native0 = h.symmetric() && w.symmetric();
    Tensor image = native0 ? x : cover(e, cover(e, x, 2, h), 3, w);
    long padH = native0 ? h.before() : 0;
    long padW = native0 ? w.before() : 0;
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(h.kernel())
            .kW(w.kernel())
            .sH(h.stride())
            .sW(w.stride())
            .pH(padH)
            .pW(padW)
            .dH(h.dilation())
            .dW(w.dilation())
            .paddingMode(PaddingMode.VALID)
            .build();
    Dims windows =
        Dims.of(b, c, Dim.of(h.kernel()), Dim.of(w.kernel()), Dim.of(h.out()), Dim.of(w.out()));
    Tensor patches =
        e.op(
            List.of("im2col", h, w),
            windows,
            x.type(),
            x.nonNegative(),
            List.of(image),
            () -> new Im2col(e.graph(), image.variable(), config).outputVariable());
    Tensor unfolded = e.reshape(patches, result);
    return e.fused(
        "unfold",
        unfolded,
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
        w.out());
  }

  /**
   * The transpose of a convolution: what each window's signal means for the image.
   *
   * @param s [B, O, oH, oW]
   * @param weights [kH, kW, C, O]
   * @return [B, C, H, W]
   */
  static Tensor spread(Emitter e, Tensor s, Tensor weights, Window h, Window w) {
    boolean exactH = h.before() >= 0 && h.covered() - 2 * h.before() == h.in();
    boolean exactW = w.before() >= 0 && w.covered() - 2 * w.before() == w.in();
    long padH = exactH ? h.before() : 0;
    long padW = exactW ? w.before() : 0;
    DeConv2DConfig config =
        DeConv2DConfig.builder()
            .kH(h.kernel())
            .kW(w.kernel())
            .sH(h.stride())
            .sW(w.stride())
            .pH(padH)
            .pW(padW)
            .dH(h.dilation())
            .dW(w.dilation())
            .isSameMode(false)
            .dataFormat("NCHW")
            .build();
    Dims dims =
        Dims.of(
            s.dims().get(0),
            weights.dims().get(2),
            Dim.of(h.covered() - 2 * padH),
            Dim.of(w.covered() - 2 * padW));
    Tensor full =
        e.op(
            List.of("deconv2d", h, w),
            dims,
            s.type(),
            false,
            List.of(s, weights),
            () ->
                new DeConv2D(e.graph(), s.variable(), weights.variable(), null, config)
                    .outputVariable());
    return exactly(e, exactly(e, full, 2, h, exactH), 3, w, exactW);
  }

  /** From what the windows cover back to the image. */
  private static Tensor exactly(Emitter e, Tensor full, int axis, Window w, boolean exact) {
    if (exact) {
      return full;
    }
    long covered = w.covered();
    long from = Math.max(w.before(), 0);
    long to = Math.min(covered, w.before() + w.in());
    Tensor inside = e.slice(full, axis, from, to);
    long before = Math.max(-w.before(), 0);
    return e.pad(inside, axis, before, w.in() - before - (to - from));
  }
}
