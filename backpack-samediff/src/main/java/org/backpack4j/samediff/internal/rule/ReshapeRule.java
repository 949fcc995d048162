package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.contribution.PermutedView;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.View;

/** Ops that keep all entries in their order: reshape, squeeze, expand_dims, flatten, identity. */
final class ReshapeRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.sameOrder(context, output);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return context
        .emit()
        .reshape(cotangent, cotangent.dims().range(0, 2).plus(context.perSample(0)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return context
        .emit()
        .reshape(tangent, tangent.dims().range(0, 2).plus(context.outputPerSample(output)));
  }

  @Override
  public View view(NodeContext context) {
    return PermutedView.reshaped(context.emit(), context.dims(0));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "reshape";
  }
}
