package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.Dense;
import org.backpack4j.samediff.internal.contribution.OuterProduct;
import org.backpack4j.samediff.internal.contribution.PermutedView;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code sconv2d}: a depthwise convolution, then, with pointwise weights [C · M, O], a dense map of
 * the channels, then a bias. The value between the two is computed once more.
 */
final class SeparableConvolutionRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return Convolution.batchAxis(context, output);
  }

  /** The input that holds the pointwise weights; −1 if there are none. */
  private static int pointwise(NodeContext context) {
    return context.inputs() > 2 && context.dims(2).rank() == 4 ? 2 : -1;
  }

  @Override
  public void check(NodeContext context) {
    Convolution c = Convolution.of(context);
    if (pointwise(context) > 0 && c.wide().isOne()) {
      throw new UnsupportedOpException(
          "M2.1 leaves out the pointwise weights where the input has one channel",
          "write it as depthWiseConv2d and conv2d");
    }
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    long factors = active.stream().filter(k -> k <= 1 || k == pointwise(context)).count();
    return factors <= 1;
  }

  /** The pointwise weights [C · M, O]. */
  private static Tensor matrix(NodeContext context, Convolution c) {
    Emitter e = context.emit();
    Tensor w = context.raw(2);
    Dim in = w.dims().get(c.layout().wide(2));
    Dim out = w.dims().get(c.layout().narrow(2));
    boolean inputsFirst = c.layout() == KernelLayout.TAPS_FIRST;
    return inputsFirst
        ? e.reshape(w, Dims.of(in, out))
        : e.transpose(e.reshape(w, Dims.of(out, in)));
  }

  /** A cotangent at the depthwise convolution's result, [N, V, …, C · M and positions]. */
  private static Tensor between(NodeContext context, Convolution c, Tensor cotangent) {
    if (pointwise(context) < 0) {
      return cotangent;
    }
    Emitter e = context.emit();
    int channel = c.images().channel(cotangent);
    Tensor last =
        c.images().last() ? cotangent : e.permute(cotangent, channelTo(cotangent, channel, true));
    Dim o = last.dims().get(last.rank() - 1);
    Dim rows = last.dims().range(0, last.rank() - 1).product();
    Tensor product = e.matmul(e.reshape(last, Dims.of(rows, o)), false, matrix(context, c), true);
    Tensor result = e.reshape(product, last.dims().with(last.rank() - 1, product.dims().get(1)));
    return c.images().last() ? result : e.permute(result, channelTo(cotangent, channel, false));
  }

  /** Moves the axis of the channels to the end, or back from there. */
  private static int[] channelTo(Tensor value, int channel, boolean end) {
    int rank = value.rank();
    int[] order = new int[rank];
    for (int k = 0; k < rank; k++) {
      if (end) {
        order[k] = k < channel ? k : k == rank - 1 ? channel : k + 1;
      } else {
        order[k] = k < channel ? k : k == channel ? rank - 1 : k - 1;
      }
    }
    return order;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Convolution c = Convolution.of(context);
    if (input == 1 || input == pointwise(context)) {
      return contribution(context, input, output, new Cotangent("", cotangent, null)).perSample();
    }
    if (input != 0) {
      return BiasRule.channelSums(e, cotangent, c.images().channel(cotangent));
    }
    Tensor s = c.images().channelsFirst(e, between(context, c, cotangent));
    Tensor result = new Depthwise(c).spread(e, s, c.kernel(context));
    return c.images().back(e, result, cotangent.dims().range(0, 2).plus(context.perSample(0)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Convolution c = Convolution.of(context);
    Images images = c.images();
    Depthwise depthwise = new Depthwise(c);
    Dims part = context.outputPerSample(output);
    Dim v = tangent.dims().get(1);
    Dim samples = context.value(0).dims().get(0);
    if (input == pointwise(context)) {
      Tensor x = images.channelsFirst(e, context.value(0));
      Tensor middle = depthwise.convolve(e, x, c.kernel(context));
      Tensor result = dense(e, middle, matrices(context, c, tangent));
      Tensor laidOut = images.last() ? e.permute(result, Convolutions.channelsLast(2)) : result;
      return images.columns(e, laidOut, samples, v, part);
    }
    if (input > 1) {
      return c.bias(context, tangent);
    }
    Tensor middle =
        input == 0
            ? depthwise.convolve(e, images.channelsFirst(e, tangent), c.kernel(context))
            : depthwise.byWeights(context, tangent);
    Tensor result = pointwise(context) < 0 ? middle : dense(e, middle, matrix(context, c));
    return images.back(e, result, Dims.of(samples, v).plus(part));
  }

  /** Tangents [1, V, W…] at the pointwise weights beside each other: [C · M, V·O]. */
  private static Tensor matrices(NodeContext context, Convolution c, Tensor tangent) {
    Emitter e = context.emit();
    Dim v = tangent.dims().get(1);
    Dim in = context.dims(2).get(c.layout().wide(2));
    Dim out = context.dims(2).get(c.layout().narrow(2));
    boolean inputsFirst = c.layout() == KernelLayout.TAPS_FIRST;
    Tensor beside =
        inputsFirst
            ? e.permute(e.reshape(tangent, Dims.of(v, in, out)), 1, 0, 2)
            : e.permute(e.reshape(tangent, Dims.of(v, out, in)), 2, 0, 1);
    return e.reshape(beside, Dims.of(in, v.times(out)));
  }

  /** A dense map of the channels: [B, C · M, H, W] to [B, O, H, W]. */
  private static Tensor dense(Emitter e, Tensor images, Tensor matrix) {
    Tensor last = e.permute(images, Convolutions.channelsLast(2));
    Dims rows = Dims.of(last.dims().range(0, 3).product(), last.dims().get(3));
    Tensor product = e.matmul(e.reshape(last, rows), false, matrix, false);
    Tensor apart = e.reshape(product, last.dims().with(3, matrix.dims().get(1)));
    return e.permute(apart, Convolutions.channelsFirst(2));
  }

  @Override
  public ParameterVjp contribution(
      NodeContext context, int input, int output, Cotangent cotangent) {
    Emitter e = context.emit();
    Convolution c = Convolution.of(context);
    if (input == 1) {
      return new Depthwise(c)
          .contribution(
              context, context.value(0), between(context, c, cotangent.value()), cotangent.signs());
    }
    if (input != pointwise(context)) {
      return new Dense(e, vjp(context, input, output, cotangent.value()), cotangent.signs());
    }
    Dim n = cotangent.value().dims().get(0);
    long v = cotangent.value().dims().get(1).size();
    long times = c.images().times(context.outputPerSample(0));
    Tensor s = Images.positionsLast(e, c.images().channelsFirst(e, cotangent.value()), n, v, times);
    boolean inputsFirst = c.layout() == KernelLayout.TAPS_FIRST;
    Dim middle = context.dims(2).get(c.layout().wide(2));
    OuterProduct product =
        new OuterProduct(
            e,
            s,
            () -> middle(context, c, n, times),
            Dims.of(middle, s.dims().get(3)),
            inputsFirst,
            cotangent.signs(),
            whole -> null);
    return product.through(PermutedView.reshaped(e, context.dims(2)));
  }

  /** The depthwise convolution's result [N, C · M, T · positions]. */
  private static Tensor middle(NodeContext context, Convolution c, Dim n, long times) {
    Emitter e = context.emit();
    Tensor x = c.images().channelsFirst(e, context.value(0));
    Tensor result = new Depthwise(c).convolve(e, x, c.kernel(context));
    Dim samples = context.batchAxis(0).hasSamples() ? Dim.N : Dim.ONE;
    Tensor rows = Images.positionsLast(e, result, samples, 1, times);
    return Convolution.forSamples(
        context, e.reshape(rows, Dims.of(samples).plus(rows.dims().from(2))), n);
  }

  @Override
  public String name() {
    return "separable convolution";
  }
}
