package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.Dense;
import org.backpack4j.samediff.internal.contribution.OtherFactors;
import org.backpack4j.samediff.internal.contribution.OuterProduct;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Factors;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code deconv2d} and {@code deconv3d}, transposed convolutions: windows slide over the output,
 * from one entry of the input to the next. So a cotangent passes by the ordinary convolution, and
 * it is the cotangent that is unfolded: dW[n] = Σₚ S̃[n, :, p] X[n, :, p]ᵀ over the input's
 * positions p.
 */
final class TransposedConvolutionRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return Convolution.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    Convolution.of(context);
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return !active.contains(0) || !active.contains(1);
  }

  @Override
  public List<Integer> bilinear(NodeContext context) {
    return List.of(0, 1);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Convolution c = Convolution.of(context);
    if (input == 1) {
      return contribution(context, 1, output, new Cotangent("", cotangent, null)).perSample();
    }
    if (input == 2) {
      return BiasRule.channelSums(e, cotangent, c.images().channel(cotangent));
    }
    Tensor result =
        Convolutions.convolve(
            e,
            c.images().fold(e, cotangent),
            c.kernel(context),
            c.windows().cropped(),
            c.images().last());
    return e.reshape(result, cotangent.dims().range(0, 2).plus(context.perSample(0)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Convolution c = Convolution.of(context);
    Dims part = context.outputPerSample(output);
    if (input == 2) {
      return c.bias(context, tangent);
    }
    boolean last = c.images().last();
    Windows windows = c.windows().cropped();
    if (input == 0) {
      Tensor images = c.images().fold(e, tangent);
      Tensor result = Convolutions.spread(e, images, c.kernel(context), windows, last);
      return e.reshape(result, tangent.dims().range(0, 2).plus(part));
    }
    Tensor x = context.value(0);
    Tensor kernels = Convolutions.wideBeside(e, c.kernels(context, tangent));
    Tensor result = Convolutions.spread(e, c.images().fold(e, x), kernels, windows, last);
    return c.images().columns(e, result, x.dims().get(0), tangent.dims().get(1), part);
  }

  @Override
  public ParameterVjp contribution(
      NodeContext context, int input, int output, Cotangent cotangent) {
    Emitter e = context.emit();
    if (input != 1) {
      return new Dense(e, vjp(context, input, output, cotangent.value()), cotangent.signs());
    }
    Convolution c = Convolution.of(context);
    Dim n = cotangent.value().dims().get(0);
    long v = cotangent.value().dims().get(1).size();
    long times = c.images().times(context.outputPerSample(0));
    boolean patchesFirst = c.layout() == KernelLayout.TAPS_FIRST;
    Tensor images = c.images().channelsFirst(e, cotangent.value());
    Tensor seen = Patches.unfold(e, images, c.windows().cropped(), patchesFirst);
    Tensor s = Images.positionsLast(e, seen, n, v, times);
    ParameterVjp product =
        new OuterProduct(
            e,
            s,
            () -> input(context, c, times, n),
            Dims.of(c.narrow().size(), times * c.windows().positions()),
            !patchesFirst,
            cotangent.signs(),
            whole -> null);
    ParameterVjp arranged =
        product.through(
            c.view(
                context,
                patchesFirst ? KernelView.Order.PATCHES_FIRST : KernelView.Order.PATCHES_LAST));
    return new OtherFactors(
        arranged, () -> Optional.of(factors(context, c, cotangent.value(), times)));
  }

  /** Cotangents at the output's positions, and what the input gives each of them by each tap. */
  private static Factors factors(NodeContext context, Convolution c, Tensor cotangent, long times) {
    Emitter e = context.emit();
    Dim n = cotangent.dims().get(0);
    long v = cotangent.dims().get(1).size();
    Tensor s = Images.positionsLast(e, c.images().channelsFirst(e, cotangent), n, v, times);
    KernelView view = c.view(context, KernelView.Order.BY_CHANNEL);
    Windows windows = c.windows().cropped();
    long inputs = c.narrow().size() * windows.taps();
    return new Factors(
        s,
        () -> spread(context, c, windows, times, n),
        null,
        inputs,
        matrix -> view.undo(matrix, 0));
  }

  /** Each channel alone, by a kernel for each tap: [N, O · taps, T · positions]. */
  private static Tensor spread(
      NodeContext context, Convolution c, Windows windows, long times, Dim n) {
    Emitter e = context.emit();
    Tensor x = c.images().channelsFirst(e, context.value(0)); // [N · T, O, …]
    Dim channels = x.dims().get(1);
    Dim rows = x.dims().get(0).times(channels);
    Tensor alone = e.reshape(x, Dims.of(rows, Dim.ONE).plus(x.dims().from(2)));
    long taps = windows.taps();
    Dims kernel = windows.kernel().plus(Dim.of(taps), Dim.ONE);
    Tensor each = e.reshape(e.identity(x.type(), taps, 0, taps), kernel);
    Tensor image = Convolutions.spread(e, alone, each, windows, false); // [N · T · O, taps, …]
    Tensor seen =
        e.reshape(
            image,
            Dims.of(x.dims().get(0), channels.times(Dim.of(taps))).plus(image.dims().from(2)));
    Dim samples = context.batchAxis(0).hasSamples() ? Dim.N : Dim.ONE;
    Tensor positions = Images.positionsLast(e, seen, samples, 1, times);
    return Convolution.forSamples(
        context, e.reshape(positions, Dims.of(samples).plus(positions.dims().from(2))), n);
  }

  /** The input [N, O, T · positions]. */
  private static Tensor input(NodeContext context, Convolution c, long times, Dim n) {
    Emitter e = context.emit();
    Tensor x = c.images().channelsFirst(e, context.value(0));
    Dim samples = context.batchAxis(0).hasSamples() ? Dim.N : Dim.ONE;
    Tensor rows = Images.positionsLast(e, x, samples, 1, times);
    return Convolution.forSamples(
        context, e.reshape(rows, Dims.of(samples).plus(rows.dims().from(2))), n);
  }

  @Override
  public String name() {
    return "transposed convolution";
  }
}
