package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/** {@code moments}: a mean, and a variance without correction of the bias. */
final class MomentsRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return Reductions.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    Reductions.axes(context);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor slope = slope(new Group(context, output));
    Dim samples = context.batchAxis(0).hasSamples() ? Dim.N : cotangent.dims().get(0);
    return e.broadcast(
        e.mul(Reductions.spread(context, cotangent), slope),
        Dims.of(samples, cotangent.dims().get(1)).plus(context.perSample(0)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Tensor d = slope(new Group(context, output));
    return Reductions.sums(context, output, context.emit().mul(tangent, d));
  }

  /** The derivative of the mean or the variance, [N, 1, F…] or with ones. */
  private static Tensor slope(Group group) {
    return group.output() == 0 ? group.inverseCount(0) : ReducedFunctions.variance(group, 0);
  }

  @Override
  public boolean vjpHandlesCoupling() {
    return true;
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return false;
  }

  @Override
  public String name() {
    return "mean and variance";
  }
}
