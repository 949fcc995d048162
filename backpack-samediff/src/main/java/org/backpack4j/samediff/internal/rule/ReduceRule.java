package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code reduce_sum} and {@code reduce_mean}: every entry gets the cotangent of the sum that it
 * went into.
 */
final class ReduceRule implements Rule {
  private final boolean mean;

  ReduceRule(boolean mean) {
    this.mean = mean;
  }

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
    Tensor spread = Reductions.spread(context, cotangent);
    Dims full =
        Dims.of(
            context.batchAxis(0).hasSamples() ? Dim.N : spread.dims().get(0), spread.dims().get(1));
    Tensor all = context.emit().broadcast(spread, full.plus(context.perSample(0)));
    return mean ? context.emit().mul(all, Reductions.inverseCount(context, all.rank())) : all;
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Tensor sums = Reductions.sums(context, output, tangent);
    return mean ? context.emit().mul(sums, Reductions.inverseCount(context, sums.rank())) : sums;
  }

  @Override
  public boolean vjpHandlesCoupling() {
    return true;
  }

  @Override
  public boolean pullsSampleBySample() {
    return true;
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return mean ? "mean" : "sum";
  }
}
