package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code lrn}, local response normalisation along the last axis: y = x u^(−β), u = bias + α B x²,
 * the band matrix B adding up the neighbours within {@code depth} on both sides. So dx = s u^(−β) −
 * 2αβ x ∘ B (s ∘ x ∘ u^(−β−1)). M2.1's own gradient is wrong.
 */
final class LocalResponseRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output, -1);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor x = context.value(0);
    Tensor u = base(context);
    Tensor power = power(context, u);
    Tensor weighted = e.mul(cotangent, e.div(e.mul(x, power), u));
    Tensor spread =
        e.mul(neighbours(e, weighted, context), e.scale(x, -2 * alpha(context) * beta(context)));
    return e.add(e.mul(cotangent, power), spread);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Tensor x = context.value(0);
    Tensor u = base(context);
    Tensor power = power(context, u);
    Tensor sums = neighbours(e, e.mul(tangent, x), context);
    double factor = -2 * alpha(context) * beta(context);
    Tensor slope = e.scale(e.div(e.mul(x, power), u), factor);
    return e.add(e.mul(tangent, power), e.mul(sums, slope));
  }

  private static double alpha(NodeContext context) {
    return context.node().tArg(1, 1);
  }

  private static double beta(NodeContext context) {
    return context.node().tArg(2, 0.5);
  }

  /** u. */
  private static Tensor base(NodeContext context) {
    Emitter e = context.emit();
    Tensor sums = neighbours(e, e.square(context.value(0)), context);
    return e.plus(e.scale(sums, alpha(context)), context.node().tArg(0, 1));
  }

  /** u^(−β). */
  private static Tensor power(NodeContext context, Tensor u) {
    Emitter e = context.emit();
    Tensor log = e.map("log", u, false, v -> e.graph().math().log(v));
    return e.map("exp", e.scale(log, -beta(context)), true, v -> e.graph().math().exp(v));
  }

  /** B times a value, along its last axis. */
  private static Tensor neighbours(Emitter e, Tensor value, NodeContext context) {
    long depth = context.node().iArg(0, 5);
    long channels = value.dims().get(value.rank() - 1).size();
    return AxisMap.summed(
        e, value, new Window(channels, 2 * depth + 1, 1, 1, depth, channels), null);
  }

  @Override
  public String name() {
    return "local response";
  }
}
