package org.backpack4j.samediff.internal.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/** {@code l2_loss}: ½ Σ x²; gradient x, Hessian the identity. Of a parameter it is a penalty. */
final class HalfSquare implements LossRule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return context.batchAxis(0).hasSamples()
        ? BatchAxis.reduced(null)
        : BatchAxes.withoutAxis(context);
  }

  /** What comes from above, [1, V] with ones for the axes of F. */
  private static Tensor spread(NodeContext context, Tensor above) {
    Dims dims = above.dims().range(0, 2);
    for (int k = 0; k < context.perSample(0).rank(); k++) {
      dims = dims.plus(Dim.ONE);
    }
    return context.emit().reshape(above, dims);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor above) {
    return context.emit().mul(context.value(0), spread(context, above));
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {}

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor above, Set<Integer> active) {
    Emitter e = context.emit();
    Tensor d = e.broadcast(spread(context, above), context.value(0).dims());
    return List.of(HessianRoot.at(0, SignedRoot.diagonal(e, d)));
  }

  @Override
  public String name() {
    return "half square";
  }
}
