package org.backpack4j.samediff.internal.loss;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code cosine_distance_loss}: ℓ = 1 − Σ z y along an axis, which stays with extent one; linear in
 * the predictions z (which are supposed to have norm one already).
 */
final class CosineDistance extends ReducedLoss {
  private static int axis(NodeContext context) {
    int axis = (int) context.node().iArg(1, -1);
    return axis < 0 ? axis + context.dims(0).rank() : axis;
  }

  @Override
  Dims terms(NodeContext context) {
    return context.dims(0).with(axis(context), Dim.ONE);
  }

  @Override
  public void check(NodeContext context) {
    super.check(context);
    if (context.batchAxis(0).hasSamples() && context.batchAxis(0).axis() == axis(context)) {
      throw new UnsupportedOpException(
          "the distance is taken along the sample axis", "take it along another axis");
    }
  }

  @Override
  Tensor values(NodeContext context) {
    Emitter e = context.emit();
    Tensor product = e.mul(context.value(0), context.value(2));
    int axis = 2 + context.batchAxis(0).perSampleAxis(axis(context));
    Tensor sum = e.sum(product, axis, axis + 1);
    return e.minus(1, e.reshape(sum, product.dims().with(axis, Dim.ONE)));
  }

  @Override
  Tensor derivative(NodeContext context, int input) {
    return context.emit().scale(context.value(2 - input), -1);
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return active.equals(Set.of(0));
  }

  @Override
  public String name() {
    return "cosine distance";
  }
}
