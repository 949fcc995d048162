package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The inverse Y = X⁻¹ and the determinant y of square matrices on the last two axes. With a
 * cotangent S or s: X̄ = −Yᵀ S Yᵀ, and X̄ = s y X⁻ᵀ. ND4J's own gradients are wrong or missing.
 */
final class MatrixRule implements Rule {
  private final boolean inverse;

  MatrixRule(boolean inverse) {
    this.inverse = inverse;
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (place.hasSamples() && place.axis() >= context.dims(0).rank() - 2) {
      return BatchAxes.byShape(context, output)
          .coupling("the samples are rows or columns of the matrix");
    }
    return place.hasSamples() ? place : BatchAxes.withoutAxis(context);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Dims one = Dims.of(Dim.ONE, Dim.ONE);
    if (!inverse) {
      Tensor spread =
          e.reshape(e.mul(cotangent, context.outputValue(0)), cotangent.dims().plus(one));
      return e.mul(spread, e.transpose(inverse(e, context.value(0))));
    }
    return conjugated(context, e.transpose(context.outputValue(0)), cotangent);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    if (inverse) {
      return conjugated(context, context.outputValue(0), tangent);
    }
    Tensor product = e.mul(tangent, e.transpose(inverse(e, context.value(0))));
    Tensor trace = e.sum(product, product.rank() - 2, product.rank());
    return e.mul(trace, context.outputValue(0));
  }

  /** −Y S Y for the matrices S [N or 1, V, …], Y [N or 1, 1, …]. */
  private static Tensor conjugated(NodeContext context, Tensor y, Tensor s) {
    Emitter e = context.emit();
    Dim samples = y.dims().get(0).samples() ? Dim.N : s.dims().get(0);
    Dims full = Dims.of(samples, s.dims().get(1)).plus(context.perSample(0));
    Tensor factor = matrices(e, e.broadcast(y, full));
    Tensor product =
        e.matmul(
            e.matmul(factor, false, matrices(e, e.broadcast(s, full)), false),
            false,
            factor,
            false);
    return e.reshape(e.scale(product, -1), full);
  }

  /** All leading axes as one. */
  private static Tensor matrices(Emitter e, Tensor value) {
    int rank = value.rank();
    Dim lead = value.dims().range(0, rank - 2).product();
    return e.reshape(value, Dims.of(lead).plus(value.dims().from(rank - 2)));
  }

  private static Tensor inverse(Emitter e, Tensor x) {
    Tensor flat = matrices(e, x);
    Tensor inverse = e.map("inverse", flat, false, v -> e.graph().math().matrixInverse(v));
    return e.reshape(inverse, x.dims());
  }

  @Override
  public String name() {
    return inverse ? "inverse matrix" : "determinant";
  }
}
