package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Tensor;

/** {@code cast}: the cotangent is cast back. Through integers nothing passes. */
final class CastRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return context.type(0).isFPType() && context.outputType(0).isFPType();
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return context.emit().cast(cotangent, context.type(0));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return context.emit().cast(tangent, context.outputType(output));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "cast";
  }
}
