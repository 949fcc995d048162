package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Conv2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Conv2DDerivative;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Conv3D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.DeConv2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.DeConv3D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * The linear map of a convolution, and its transpose, over images [B, C, H, W] or volumes [B, C, D,
 * H, W], or the same with the channels last; the kernel is [taps…, C, O]. ND4J's own ops do both,
 * given what padding they can take; the rest is sliced and padded around them.
 */
final class Convolutions {
  private Convolutions() {}

  /**
   * The transpose of a convolution: what each window's cotangent means for the image.
   *
   * @param s [B, O, out…]
   * @param kernel [taps…, C, O]
   * @param last whether channels are last in {@code s} and in the result
   * @return [B, C, in…]
   */
  static Tensor spread(Emitter e, Tensor s, Tensor kernel, Windows windows, boolean last) {
    if (flippedIsFaster(windows, kernel)) {
      return flipped(e, s, kernel, windows, last);
    }
    boolean same = windows.all(Window::sameTransposed);
    boolean exact = windows.all(Window::exact);
    boolean whole = same || exact;
    long[] padding = windows.each(w -> whole ? w.before() : 0);
    Dims full = new Dims(windows.axes().stream().map(w -> covered(w, whole)).toList());
    Tensor all =
        e.op(
            List.of("deconv", windows, whole, last),
            layout(s.dims().get(0), kernel.dims().get(windows.count()), full, last),
            s.type(),
            false,
            List.of(s, kernel),
            () -> deconvolution(e, s, kernel, windows, padding, same && !exact, last));
    if (whole) {
      return all;
    }
    Tensor result = all;
    for (int k = 0; k < windows.count(); k++) {
      Window w = windows.get(k);
      result = Patches.shift(e, result, k + (last ? 1 : 2), w.before(), w.in(), 0);
    }
    return result;
  }

  private static Dim covered(Window w, boolean whole) {
    return Dim.of(whole ? w.in() : w.covered());
  }

  private static Dims layout(Dim batch, Dim channels, Dims spatial, boolean last) {
    return last
        ? Dims.of(batch).plus(spatial).plus(channels)
        : Dims.of(batch, channels).plus(spatial);
  }

  /**
   * With few channels oneDNN's transposed convolution is up to seven times slower than the
   * convolution with the flipped kernel (2 channels, 28×28: 18.8 against 2.6 ms for 288 images);
   * from some 16 channels on it is the faster one.
   */
  private static boolean flippedIsFaster(Windows windows, Tensor kernel) {
    long c = kernel.dims().get(windows.count()).size();
    long o = kernel.dims().get(windows.count() + 1).size();
    return windows.count() == 2
        && (o <= 8 || c * o <= 64)
        && windows.all(
            w ->
                w.stride() == 1
                    && w.dilation() == 1
                    && w.kernel() > 1
                    && w.kernel() - 1 - w.before() >= 0
                    && w.out() + 2 * (w.kernel() - 1 - w.before()) - w.kernel() + 1 == w.in());
  }

  private static Tensor flipped(Emitter e, Tensor s, Tensor kernel, Windows windows, boolean last) {
    Windows back =
        new Windows(
            windows.axes().stream()
                .map(
                    w -> new Window(w.out(), w.kernel(), 1, 1, w.kernel() - 1 - w.before(), w.in()))
                .toList());
    return convolve(e, s, e.transpose(reversed(e, kernel, windows.count())), back, last);
  }

  /** The first axes, of a kernel's taps, in reverse order. */
  static Tensor reversed(Emitter e, Tensor kernel, int axes) {
    return e.op(
        List.of("reverse", axes),
        kernel.dims(),
        kernel.type(),
        kernel.nonNegative(),
        List.of(kernel),
        () -> e.graph().reverse(kernel.variable(), IntStream.range(0, axes).toArray()));
  }

  /**
   * A convolution.
   *
   * @param x [B, C, in…]
   * @param kernel [taps…, C, O]
   * @param last whether channels are last in {@code x} and in the result
   * @return [B, O, out…]
   */
  static Tensor convolve(Emitter e, Tensor x, Tensor kernel, Windows windows, boolean last) {
    if (windows.dilated()) {
      return byPatches(e, x, kernel, windows, last);
    }
    boolean symmetric = windows.all(Window::symmetric);
    Tensor image = x;
    for (int k = 0; !symmetric && k < windows.count(); k++) {
      image = Patches.cover(e, image, k + (last ? 1 : 2), windows.get(k), 0);
    }
    Tensor read = image;
    long[] padding = windows.each(w -> symmetric ? w.before() : 0);
    return e.op(
        List.of("conv", windows, symmetric, last),
        layout(x.dims().get(0), kernel.dims().get(windows.count() + 1), windows.out(), last),
        x.type(),
        false,
        List.of(read, kernel),
        () -> convolution(e, read, kernel, windows, padding, last));
  }

  /**
   * Kernels [V, taps…, C, O] as one that has the results of all beside each other: [taps…, C, V·O].
   */
  static Tensor narrowBeside(Emitter e, Tensor kernels) {
    int rank = kernels.rank();
    int[] order = IntStream.range(1, rank + 1).toArray();
    order[rank - 2] = 0;
    order[rank - 1] = rank - 1;
    Tensor beside = e.permute(kernels, order);
    Dims dims = beside.dims();
    return e.reshape(beside, dims.range(0, rank - 2).plus(dims.from(rank - 2).product()));
  }

  /** Kernels [V, taps…, C, O] as one of transposed convolutions: [taps…, V·C, O]. */
  static Tensor wideBeside(Emitter e, Tensor kernels) {
    return e.transpose(narrowBeside(e, e.transpose(kernels)));
  }

  /** M2.1 cannot convolve with dilated kernels in float where oneDNN is at work. */
  private static Tensor byPatches(
      Emitter e, Tensor x, Tensor kernel, Windows windows, boolean last) {
    int n = windows.count();
    int rank = n + 2;
    Dim b = x.dims().get(0);
    Dim c = kernel.dims().get(n);
    Dim o = kernel.dims().get(n + 1);
    Tensor first = last ? e.permute(x, channelsFirst(n)) : x;
    Tensor seen = e.transpose(Patches.unfold(e, first, windows, true));
    Dim read = c.times(Dim.of(windows.taps()));
    Tensor rows = e.reshape(seen, Dims.of(b.times(Dim.of(windows.positions())), read));
    Tensor matrix = e.reshape(kernel, Dims.of(read, o));
    Tensor result =
        e.reshape(e.matmul(rows, false, matrix, false), Dims.of(b).plus(windows.out()).plus(o));
    return last ? result : e.permute(result, channelsFirst(rank - 2));
  }

  /** [B, spatial…, C] to [B, C, spatial…]. */
  static int[] channelsFirst(int axes) {
    int[] order = new int[axes + 2];
    order[1] = axes + 1;
    for (int k = 0; k < axes; k++) {
      order[k + 2] = k + 1;
    }
    return order;
  }

  /** [B, C, spatial…] to [B, spatial…, C]. */
  static int[] channelsLast(int axes) {
    int[] order = new int[axes + 2];
    for (int k = 0; k < axes; k++) {
      order[k + 1] = k + 2;
    }
    order[axes + 1] = 1;
    return order;
  }

  /** Whether {@link #gradients} takes a convolution as it is. */
  static boolean hasGradients(Windows windows, Tensor kernel) {
    return windows.count() == 2
        && !windows.dilated()
        && windows.all(w -> w.stride() <= w.span())
        && !flippedIsFaster(windows, kernel)
        && !isWide(windows, kernel)
        && (windows.all(Window::symmetric) || windows.all(Window::same));
  }

  /**
   * The gradient of a 3×3 kernel of many channels, which oneDNN computes by Winograd's method: from
   * some 82,000 pairs of channels on it takes dozens of times as long (8 images of 4×4 positions:
   * 14 ms for 256 × 320 channels, 311 for 256 × 384, where an unfolded product takes 30).
   */
  private static boolean isWide(Windows windows, Tensor kernel) {
    long c = kernel.dims().get(windows.count()).size();
    long o = kernel.dims().get(windows.count() + 1).size();
    return c * o > 81_920 && windows.all(w -> w.kernel() == 3 && w.stride() == 1);
  }

  /**
   * Both gradients of a convolution of images by one op, which costs less than a transposed
   * convolution and an unfolded product.
   *
   * @param x [B, C, H, W]
   * @param kernel [kH, kW, C, O]
   * @param s [B, O, oH, oW]
   * @param last whether channels are last in {@code x}, in {@code s} and in the first result
   * @return [B, C, H, W] and the sum over B [kH, kW, C, O]
   */
  static List<Tensor> gradients(
      Emitter e, Tensor x, Tensor kernel, Tensor s, Windows windows, boolean last) {
    boolean symmetric = windows.all(Window::symmetric);
    long[] padding = windows.each(w -> symmetric ? w.before() : 0);
    PaddingMode mode = symmetric ? PaddingMode.VALID : PaddingMode.SAME;
    List<Tensor> gradients =
        e.ops(
            List.of("conv2d_bp", windows, last),
            List.of(x.dims(), kernel.dims()),
            x.type(),
            List.of(x, kernel, s),
            () ->
                new Conv2DDerivative(
                        e.graph(),
                        new SDVariable[] {x.variable(), kernel.variable(), s.variable()},
                        config2d(windows, padding, mode, last))
                    .outputVariables());
    e.total(gradients.get(1));
    return gradients;
  }

  private static Conv2DConfig config2d(
      Windows windows, long[] padding, PaddingMode mode, boolean last) {
    Window h = windows.get(0);
    Window w = windows.get(1);
    return Conv2DConfig.builder()
        .kH(h.kernel())
        .kW(w.kernel())
        .sH(h.stride())
        .sW(w.stride())
        .pH(padding[0])
        .pW(padding[1])
        .dH(h.dilation())
        .dW(w.dilation())
        .paddingMode(mode)
        .dataFormat(last ? "NHWC" : "NCHW")
        .build();
  }

  private static SDVariable convolution(
      Emitter e, Tensor x, Tensor kernel, Windows windows, long[] padding, boolean last) {
    SDVariable[] inputs = {x.variable(), kernel.variable()};
    if (windows.count() == 2) {
      Conv2DConfig config = config2d(windows, padding, PaddingMode.VALID, last);
      return new Conv2D(e.graph(), inputs, config).outputVariable();
    }
    Window d = windows.get(0);
    Window h = windows.get(1);
    Window w = windows.get(2);
    Conv3DConfig config =
        Conv3DConfig.builder()
            .kD(d.kernel())
            .kH(h.kernel())
            .kW(w.kernel())
            .sD(d.stride())
            .sH(h.stride())
            .sW(w.stride())
            .pD(padding[0])
            .pH(padding[1])
            .pW(padding[2])
            .dD(d.dilation())
            .dH(h.dilation())
            .dW(w.dilation())
            .paddingMode(PaddingMode.VALID)
            .dataFormat(last ? "NDHWC" : "NCDHW")
            .build();
    return new Conv3D(e.graph(), inputs, config).outputVariable();
  }

  private static SDVariable deconvolution(
      Emitter e,
      Tensor s,
      Tensor kernel,
      Windows windows,
      long[] padding,
      boolean same,
      boolean last) {
    Window h = windows.get(windows.count() - 2);
    Window w = windows.get(windows.count() - 1);
    if (windows.count() == 2) {
      DeConv2DConfig config =
          DeConv2DConfig.builder()
              .kH(h.kernel())
              .kW(w.kernel())
              .sH(h.stride())
              .sW(w.stride())
              .pH(same ? 0 : padding[0])
              .pW(same ? 0 : padding[1])
              .dH(h.dilation())
              .dW(w.dilation())
              .isSameMode(same)
              .dataFormat(last ? "NHWC" : "NCHW")
              .build();
      return new DeConv2D(e.graph(), s.variable(), kernel.variable(), null, config)
          .outputVariable();
    }
    Window d = windows.get(0);
    DeConv3DConfig config =
        DeConv3DConfig.builder()
            .kD(d.kernel())
            .kH(h.kernel())
            .kW(w.kernel())
            .sD(d.stride())
            .sH(h.stride())
            .sW(w.stride())
            .pD(same ? 0 : padding[0])
            .pH(same ? 0 : padding[1])
            .pW(same ? 0 : padding[2])
            .dD(d.dilation())
            .dH(h.dilation())
            .dW(w.dilation())
            .isSameMode(same)
            .dataFormat(last ? "NDHWC" : "NCDHW")
            .build();
    return new DeConv3D(e.graph(), s.variable(), kernel.variable(), config).outputVariable();
  }
}
