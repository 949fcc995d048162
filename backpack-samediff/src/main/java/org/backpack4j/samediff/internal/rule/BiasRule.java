package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/** {@code biasadd}: a bias for each channel, on axis 1 or on the last one. */
final class BiasRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return context.batchAxis(0).hasSamples()
        ? context.batchAxis(0)
        : org.backpack4j.samediff.internal.autodiff.BatchAxes.withoutAxis(context);
  }

  /** The channels' axis in [N, V, F…]. */
  private static int channel(NodeContext context) {
    boolean channelsFirst = context.node().bArg(0, false);
    return 2 + context.batchAxis(0).perSampleAxis(channelsFirst ? 1 : context.dims(0).rank() - 1);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    if (input == 0) {
      return cotangent;
    }
    return channelSums(context.emit(), cotangent, channel(context));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    if (input == 0) {
      return tangent;
    }
    Dims part = context.outputPerSample(output);
    return context.filled(output, atChannel(context.emit(), tangent, part, channel(context)));
  }

  /** A tangent [1, V, C] at a bias in the arrangement of [N, V, F…]. */
  static Tensor atChannel(Emitter e, Tensor tangent, Dims part, int channel) {
    Dims lead = tangent.dims().range(0, 2);
    return e.reshape(
        tangent, lead.plus(Dims.ones(part.rank())).with(channel, tangent.dims().get(2)));
  }

  /** Sums everything behind [N, V] but one axis. */
  static Tensor channelSums(Emitter e, Tensor cotangent, int channel) {
    Dim channels = cotangent.dims().get(channel);
    Dims lead = cotangent.dims().range(0, 2);
    Tensor behind = e.sum(cotangent, channel + 1, cotangent.rank());
    return e.reshape(e.sum(behind, 2, channel), lead.plus(channels));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "bias";
  }
}
