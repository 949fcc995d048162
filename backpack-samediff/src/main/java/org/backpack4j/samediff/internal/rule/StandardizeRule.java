package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code standardize} along axes of D entries, y = (x − μ)/σ with σ² = Σ (x − μ)²/D; zero where σ
 * is, as in ND4J: (S − mean(S) − y mean(y S))/σ. With m = mean(y δ) its second derivative, weighted
 * by an incoming gradient δ, is −(a yᵀ + y aᵀ)/(D σ²) − m (I − 1 1ᵀ/D)/σ² with a = δ − mean(δ) −
 * 3/2 m y: D + 2 signed columns.
 */
final class StandardizeRule implements SymmetricRule {
  private static Along along(NodeContext context) {
    return new Along(context, context.node().iArgs());
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return along(context).batchAxis();
  }

  @Override
  public boolean vjpHandlesCoupling() {
    return true;
  }

  /** 1/σ, zero where σ is. */
  private static Tensor inverse(NodeContext context) {
    Emitter e = context.emit();
    Along along = along(context);
    Tensor x = context.value(0);
    Tensor variance = along.mean(e.square(e.sub(x, along.mean(x))));
    Tensor positive = e.greater(variance, 0);
    return e.div(positive, e.sqrt(e.add(variance, e.minus(1, positive))));
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Along along = along(context);
    Tensor y = context.outputValue(0);
    Tensor centred = e.sub(cotangent, along.mean(cotangent));
    Tensor across = e.sub(centred, e.mul(along.mean(e.mul(cotangent, y)), y));
    return e.mul(across, inverse(context));
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
    Tensor y = context.outputValue(0);
    Tensor inverse = inverse(context);
    Tensor m = along.mean(e.mul(gradient, y));
    Tensor a = e.sub(e.sub(gradient, along.mean(gradient)), e.scale(e.mul(m, y), 1.5));
    Tensor scaled = e.scale(e.mul(a, e.square(inverse)), 1.0 / along.count().size());
    Tensor weight = e.scale(e.mul(m, e.square(inverse)), -1);
    Tensor rows = RowColumns.row(e, along.rows(y));
    return List.of(
        new RowColumns(e)
            .centring(RowColumns.row(e, along.rows(weight)), rows)
            .minusSymmetric(RowColumns.row(e, along.rows(scaled)), rows)
            .hessianRoot(along));
  }

  @Override
  public String name() {
    return "standardize";
  }
}
