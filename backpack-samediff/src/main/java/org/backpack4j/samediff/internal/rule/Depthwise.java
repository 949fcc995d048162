package org.backpack4j.samediff.internal.rule;

import java.util.List;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.contribution.GroupedOuterProduct;
import org.backpack4j.samediff.internal.contribution.OuterProduct;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.DepthwiseConv2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * A convolution of every channel by itself: Z[n, c·M + m, p] = Σₖ W[k, c, m] X[n, c, k, p], X the
 * unfolded input and M the multiplier.
 *
 * @param c the node's configuration; O is the multiplier
 */
record Depthwise(Convolution c) {

  private long multiplier() {
    return c.narrow().size();
  }

  private long channels() {
    return c.wide().size();
  }

  /**
   * The map itself, the kernel with zeros between its taps where they stand apart: M2.1 fails on
   * some dilated kernels in float.
   *
   * @param x [B, C, H, W]
   * @param kernel [kH, kW, C, M]
   * @return [B, C · M, oH, oW]
   */
  Tensor convolve(Emitter e, Tensor x, Tensor kernel) {
    Windows windows = c.windows().cropped();
    Tensor image = x;
    Tensor taps = kernel;
    for (int k = 0; k < 2; k++) {
      Window w = windows.get(k);
      image = Patches.cover(e, image, k + 2, w, 0);
      taps = apart(e, taps, k, w.dilation());
    }
    return convolution(
        e, image, taps, windows.get(0).stride(), windows.get(1).stride(), windows.out());
  }

  /**
   * The map with tangents at the weights, [1, V, W…], in place of these.
   *
   * @return [N · V · T, C · M, oH, oW]
   */
  Tensor byWeights(NodeContext context, Tensor tangent) {
    Emitter e = context.emit();
    Tensor x = context.value(0);
    Dim v = tangent.dims().get(1);
    Tensor kernels = e.permute(c.kernels(context, tangent), 1, 2, 3, 0, 4); // [kH, kW, C, V, M]
    Dims multiplied = kernels.dims().range(0, 3).plus(kernels.dims().from(3).product());
    Tensor result = convolve(e, c.images().channelsFirst(e, x), e.reshape(kernels, multiplied));
    Dim n = x.dims().get(0);
    Dim times = Dim.of(c.images().times(x.dims().from(2)));
    Dim m = Dim.of(multiplier());
    Dims spatial = result.dims().from(2);
    Dims apart = Dims.of(n, times, Dim.of(channels()), v, m).plus(spatial);
    Tensor columns = e.permute(e.reshape(result, apart), 0, 3, 1, 2, 4, 5, 6);
    return e.reshape(columns, Dims.of(n.times(v).times(times), channelsTimesM()).plus(spatial));
  }

  /**
   * The transposed map. ND4J has no such op, so the cotangent is spread apart by its strides,
   * padded, and convolved, channel by channel, with the flipped kernel.
   *
   * @param s [B, C · M, oH, oW]
   * @param kernel [kH, kW, C, M]
   * @return [B, C, H, W]
   */
  Tensor spread(Emitter e, Tensor s, Tensor kernel) {
    Windows windows = c.windows().cropped();
    Tensor image = s;
    Tensor taps = e.reshape(kernel, kernel.dims().range(0, 2).plus(channelsTimesM(), Dim.ONE));
    for (int k = 0; k < 2; k++) {
      Window w = windows.get(k);
      image = apart(e, image, k + 2, w.stride());
      image = Patches.shift(e, image, k + 2, w.before() - w.span() + 1, w.in() + w.span() - 1, 0);
      taps = apart(e, taps, k, w.dilation());
    }
    Tensor result = convolution(e, image, Convolutions.reversed(e, taps, 2), 1, 1, windows.in());
    if (multiplier() == 1) {
      return result;
    }
    Dims byChannel =
        Dims.of(s.dims().get(0), Dim.of(channels()), Dim.of(multiplier())).plus(windows.in());
    return e.sum(e.reshape(result, byChannel), 2, 3);
  }

  private Dim channelsTimesM() {
    return Dim.of(channels() * multiplier());
  }

  /** Zeros between the entries of an axis. */
  private static Tensor apart(Emitter e, Tensor a, int axis, long step) {
    long count = a.dims().get(axis).size();
    if (step == 1 || count == 1) {
      return a;
    }
    Dims split = a.dims().range(0, axis + 1).plus(Dim.ONE).plus(a.dims().from(axis + 1));
    Tensor padded = e.pad(e.reshape(a, split), axis + 1, 0, step - 1);
    Tensor joined = e.reshape(padded, a.dims().with(axis, Dim.of(count * step)));
    return e.slice(joined, axis, 0, (count - 1) * step + 1);
  }

  private static Tensor convolution(
      Emitter e, Tensor x, Tensor kernel, long strideH, long strideW, Dims out) {
    Dim channels = kernel.dims().get(2).times(kernel.dims().get(3));
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(kernel.dims().get(0).size())
            .kW(kernel.dims().get(1).size())
            .sH(strideH)
            .sW(strideW)
            .paddingMode(PaddingMode.VALID)
            .dataFormat("NCHW")
            .build();
    return e.op(
        List.of("depthwise_conv2d", strideH, strideW),
        Dims.of(x.dims().get(0), channels).plus(out),
        x.type(),
        false,
        List.of(x, kernel),
        () ->
            new DepthwiseConv2D(e.graph(), x.variable(), kernel.variable(), null, config)
                .outputVariable());
  }

  /**
   * What a cotangent contributes to the weights.
   *
   * @param x the input [N or 1, 1, …, image]
   * @param cotangent [N, V, …, image of C · M channels]
   * @param signs the columns' signs
   */
  ParameterVjp contribution(
      NodeContext context, Tensor x, Tensor cotangent, @Nullable Tensor signs) {
    Emitter e = context.emit();
    Windows windows = c.windows().cropped();
    Dim n = cotangent.dims().get(0);
    long v = cotangent.dims().get(1).size();
    long times = c.images().times(cotangent.dims().from(2));
    Dim groups = Dim.of(channels());
    Tensor byPosition =
        Images.positionsLast(e, c.images().channelsFirst(e, cotangent), n, v, times);
    Dim positions = byPosition.dims().get(3);
    Tensor apart =
        e.reshape(byPosition, Dims.of(n, Dim.of(v), groups, Dim.of(multiplier()), positions));
    Tensor s =
        e.reshape(
            e.permute(apart, 0, 2, 1, 3, 4),
            Dims.of(n.times(groups), Dim.of(v), Dim.of(multiplier()), positions));
    Dim taps = Dim.of(windows.taps());
    OuterProduct product =
        new OuterProduct(
            e,
            s,
            () -> {
              Dim samples = x.dims().get(0);
              Tensor seen = Patches.unfold(e, c.images().channelsFirst(e, x), windows, false);
              Tensor rows = Images.positionsLast(e, seen, samples, 1, times);
              Tensor all =
                  Convolution.forSamples(
                      context, e.reshape(rows, Dims.of(samples).plus(rows.dims().from(2))), n);
              return e.reshape(all, Dims.of(n.times(groups), taps, positions));
            },
            Dims.of(taps, positions),
            false,
            GroupedOuterProduct.repeated(e, signs, channels()),
            whole -> null);
    return new GroupedOuterProduct(product, channels(), signs)
        .through(c.view(context, KernelView.Order.BY_CHANNEL));
  }
}
