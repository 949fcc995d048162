package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.Dense;
import org.backpack4j.samediff.internal.contribution.OuterProduct;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code conv1d}, {@code conv2d} and {@code conv3dnew}: Z[n, o, p] = Σᵢ W[o, i] X[n, i, p] + b[o],
 * X the unfolded input, in every weights and data format. dX is the transposed convolution of the
 * cotangent, dW[n] = Σₚ S[n, :, p] X[n, :, p]ᵀ, db[n] = Σₚ S. Taps that only see padding are left
 * out: their weights' part is zero.
 */
final class ConvolutionRule implements Rule {
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
      return perSample(context, cotangent);
    }
    if (input == 2) {
      return BiasRule.channelSums(e, cotangent, c.images().channel(cotangent));
    }
    Dims dims = cotangent.dims().range(0, 2).plus(context.perSample(0));
    Tensor result =
        together(context, c, cotangent)
            ? gradients(context, c, cotangent).get(0)
            : Convolutions.spread(
                e,
                c.images().fold(e, cotangent),
                c.kernel(context),
                c.windows().cropped(),
                c.images().last());
    return e.reshape(result, dims);
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
      Tensor result = Convolutions.convolve(e, images, c.kernel(context), windows, last);
      return e.reshape(result, tangent.dims().range(0, 2).plus(part));
    }
    Tensor x = context.value(0);
    Tensor kernels = Convolutions.narrowBeside(e, c.kernels(context, tangent));
    Tensor result = Convolutions.convolve(e, c.images().fold(e, x), kernels, windows, last);
    return c.images().columns(e, result, x.dims().get(0), tangent.dims().get(1), part);
  }

  private Tensor perSample(NodeContext context, Tensor cotangent) {
    return contribution(context, 1, 0, new Cotangent("", cotangent, null)).perSample();
  }

  /** Whether the gradient of the input and of the weights are best computed by one op. */
  private static boolean together(NodeContext context, Convolution c, Tensor cotangent) {
    return cotangent.dims().get(1).isOne()
        && cotangent.dims().get(0).samples()
        && context.batchAxis(0).hasSamples()
        && context.wanted(0)
        && context.wantedSum(1)
        && c.windows().equals(c.windows().cropped())
        && Convolutions.hasGradients(c.windows(), c.kernel(context));
  }

  private static List<Tensor> gradients(NodeContext context, Convolution c, Tensor cotangent) {
    Emitter e = context.emit();
    return Convolutions.gradients(
        e,
        c.images().fold(e, context.value(0)),
        c.kernel(context),
        c.images().fold(e, cotangent),
        c.windows(),
        c.images().last());
  }

  @Override
  public ParameterVjp contribution(
      NodeContext context, int input, int output, Cotangent cotangent) {
    Emitter e = context.emit();
    if (input != 1) {
      return new Dense(e, vjp(context, input, output, cotangent.value()), cotangent.signs());
    }
    Convolution c = Convolution.of(context);
    Windows windows = c.windows().cropped();
    Dim n = cotangent.value().dims().get(0);
    long v = cotangent.value().dims().get(1).size();
    long times = c.images().times(context.outputPerSample(0));
    Tensor s = Images.positionsLast(e, c.images().channelsFirst(e, cotangent.value()), n, v, times);
    boolean patchesFirst = c.layout() == KernelLayout.TAPS_FIRST;
    KernelView view =
        c.view(
            context, patchesFirst ? KernelView.Order.PATCHES_FIRST : KernelView.Order.PATCHES_LAST);
    ParameterVjp product =
        new OuterProduct(
            e,
            s,
            () -> unfolded(context, c, windows, patchesFirst, times, n),
            Dims.of(c.wide().size() * windows.taps(), times * windows.positions()),
            patchesFirst,
            cotangent.signs(),
            whole ->
                together(context, c, cotangent.value())
                    ? view.product(withColumn(e, gradients(context, c, cotangent.value()).get(1)))
                    : null);
    return product.through(view);
  }

  private static Tensor withColumn(Emitter e, Tensor kernel) {
    return e.reshape(kernel, Dims.of(Dim.ONE).plus(kernel.dims()));
  }

  /** The unfolded input [N, C · taps or taps · C, T · positions]. */
  private static Tensor unfolded(
      NodeContext context, Convolution c, Windows windows, boolean tapsFirst, long times, Dim n) {
    Emitter e = context.emit();
    Tensor images = c.images().channelsFirst(e, context.value(0));
    Tensor x = Patches.unfold(e, images, windows, tapsFirst);
    Dim samples = context.batchAxis(0).hasSamples() ? Dim.N : Dim.ONE;
    Tensor rows = Images.positionsLast(e, x, samples, 1, times);
    return Convolution.forSamples(
        context, e.reshape(rows, Dims.of(samples).plus(rows.dims().from(2))), n);
  }

  @Override
  public String name() {
    return "convolution";
  }
}
