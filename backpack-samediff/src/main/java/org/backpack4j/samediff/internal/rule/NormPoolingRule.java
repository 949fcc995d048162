package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import java.util.List;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code pnormpool2d}: y = (Σ |x|ᵖ)^(1/p) over each window, p a whole number, so that ∂y/∂x =
 * sign(x) |x|ᵖ⁻¹ y¹⁻ᵖ. A window of zeros passes nothing.
 */
final class NormPoolingRule implements Rule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return Pooling.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    Pooling p = Pooling.of(context);
    p.check(context, true);
    if (p.extra() < 1) {
      throw new UnsupportedOpException(
          "its exponent is " + p.extra(), "give it an exponent of at least one");
    }
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Pooling p = Pooling.of(context);
    Tensor weighted = e.mul(p.channels(e, cotangent), outer(context, p));
    Tensor spread = AveragePoolingRule.spread(e, weighted, p.windows(), ones(p));
    return p.back(e, e.mul(spread, inner(context, p)), context);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Pooling p = Pooling.of(context);
    Tensor weighted = e.mul(p.channels(e, tangent), inner(context, p));
    Tensor sums = AveragePoolingRule.collected(e, weighted, p.windows(), ones(p));
    return p.back(e, e.mul(sums, outer(context, p)), context.outputPerSample(output));
  }

  /** sign(x) |x|ᵖ⁻¹. */
  private static Tensor inner(NodeContext context, Pooling p) {
    Emitter e = context.emit();
    Tensor x = p.channels(e, context.value(0));
    return e.mul(e.sign(x), power(e, e.abs(x), p.extra() - 1));
  }

  /** y¹⁻ᵖ, zero where y is. */
  private static Tensor outer(NodeContext context, Pooling p) {
    Emitter e = context.emit();
    Tensor y = p.channels(e, context.outputValue(0));
    Tensor positive = e.greater(y, 0);
    return e.div(positive, power(e, e.add(y, e.minus(1, positive)), p.extra() - 1));
  }

  private static List<double[]> ones(Pooling p) {
    return p.windows().axes().stream()
        .map(
            w -> {
              double[] one = new double[(int) w.out()];
              Arrays.fill(one, 1);
              return one;
            })
        .toList();
  }

  /** A power by repeated products. */
  private static Tensor power(Emitter e, Tensor a, long exponent) {
    if (exponent == 0) {
      return e.plus(e.scale(a, 0), 1);
    }
    Tensor half = exponent == 1 ? a : power(e, e.mul(a, a), exponent / 2);
    return exponent == 1 || exponent % 2 == 0 ? half : e.mul(half, a);
  }

  @Override
  public String name() {
    return "norm pooling";
  }
}
