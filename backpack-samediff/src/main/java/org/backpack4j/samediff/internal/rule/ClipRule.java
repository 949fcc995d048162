package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * {@code ClipByValue}: a cotangent passes strictly between the bounds, which are arguments or
 * constant inputs.
 */
final class ClipRule implements SymmetricRule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output);
  }

  /** A bound that is no constant counts, so that whoever acts on it is refused. */
  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0 || context.constant(input) == null;
  }

  @Override
  public void check(NodeContext context) {
    for (int k = 1; k < context.inputs(); k++) {
      INDArray bound = context.constant(k);
      if (bound == null || bound.length() != 1) {
        throw new UnsupportedOpException(
            "its bounds are computed", "give them as numbers, or clip with max and min");
      }
    }
  }

  private static double bound(NodeContext context, int which) {
    INDArray given = context.inputs() > 1 ? context.constant(1 + which) : null;
    return given == null ? context.node().tArg(which, 0) : given.getDouble(0);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor x = context.value(0);
    return e.mul(cotangent, e.mul(e.greater(x, bound(context, 0)), e.less(x, bound(context, 1))));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "clip";
  }
}
