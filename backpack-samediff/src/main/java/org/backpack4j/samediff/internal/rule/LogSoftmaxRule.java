package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code log_softmax} along an axis, x − log Σ exp x: S − p Σ S with p the softmax. Its second
 * derivative, weighted by an incoming gradient δ, is −Σδ (diag p − p pᵀ): C + 1 signed columns, √p
 * on the diagonal and p.
 */
final class LogSoftmaxRule implements Rule {
  private static Along along(NodeContext context) {
    return new Along(context, context.node().iArg(0, -1));
  }

  private static Tensor softmax(NodeContext context) {
    Emitter e = context.emit();
    return e.map("exp", context.outputValue(0), true, v -> e.graph().math().exp(v));
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
    return e.sub(cotangent, e.mul(along(context).sum(cotangent), softmax(context)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    return e.sub(tangent, along(context).sum(e.mul(tangent, softmax(context))));
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
    Tensor p = RowColumns.row(e, along.rows(softmax(context)));
    Tensor total = RowColumns.row(e, along.rows(along.sum(gradient)));
    return List.of(new RowColumns(e).covariance(p, e.scale(total, -1)).hessianRoot(along));
  }

  @Override
  public String name() {
    return "log-softmax";
  }
}
