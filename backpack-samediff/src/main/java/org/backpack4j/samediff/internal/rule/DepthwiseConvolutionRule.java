package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.Dense;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/** {@code depthwise_conv2d}, in every weights and data format: see {@link Depthwise}. */
final class DepthwiseConvolutionRule implements Rule {
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
        new Depthwise(c).spread(e, c.images().channelsFirst(e, cotangent), c.kernel(context));
    return c.images().back(e, result, cotangent.dims().range(0, 2).plus(context.perSample(0)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Convolution c = Convolution.of(context);
    if (input == 2) {
      return c.bias(context, tangent);
    }
    Depthwise depthwise = new Depthwise(c);
    Tensor result =
        input == 0
            ? depthwise.convolve(e, c.images().channelsFirst(e, tangent), c.kernel(context))
            : depthwise.byWeights(context, tangent);
    Dim samples = input == 0 ? tangent.dims().get(0) : context.value(0).dims().get(0);
    Dims lead = Dims.of(samples, tangent.dims().get(1));
    return c.images().back(e, result, lead.plus(context.outputPerSample(output)));
  }

  @Override
  public ParameterVjp contribution(
      NodeContext context, int input, int output, Cotangent cotangent) {
    if (input != 1) {
      return new Dense(
          context.emit(), vjp(context, input, output, cotangent.value()), cotangent.signs());
    }
    return new Depthwise(Convolution.of(context))
        .contribution(context, context.value(0), cotangent.value(), cotangent.signs());
  }

  @Override
  public String name() {
    return "depthwise convolution";
  }
}
