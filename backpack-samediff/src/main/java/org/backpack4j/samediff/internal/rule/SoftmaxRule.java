package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code softmax} along an axis, p: p ∘ (S − Σ p S). Its second derivative, weighted by an incoming
 * gradient δ, is diag(g) − g pᵀ − p gᵀ with g = p ∘ (δ − Σ p δ): C + 2 signed columns.
 */
final class SoftmaxRule implements SymmetricRule {
  private static Along along(NodeContext context) {
    return new Along(context, context.node().iArg(0, -1));
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return along(context).batchAxis();
  }

  @Override
  public boolean vjpHandlesCoupling() {
    return true;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor p = context.outputValue(0);
    Tensor weighted = e.mul(cotangent, p);
    return e.sub(weighted, e.mul(along(context).sum(weighted), p));
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    along(context).checkHessianRoot();
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = context.emit();
    Along along = along(context);
    Tensor g = RowColumns.row(e, along.rows(vjp(context, 0, output, gradient)));
    Tensor p = RowColumns.row(e, along.rows(context.outputValue(0)));
    return List.of(new RowColumns(e).diagonal(g).minusSymmetric(g, p).hessianRoot(along));
  }

  @Override
  public String name() {
    return "softmax";
  }
}
