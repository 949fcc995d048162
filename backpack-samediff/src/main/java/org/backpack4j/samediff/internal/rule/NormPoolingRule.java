package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import java.util.List;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.autodiff.UnsupportedOpException;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

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
    Tensor x = p.channels(e, context.value(0));
    Tensor y = p.channels(e, context.outputValue(0));
    Tensor positive = e.greater(y, 0);
    Tensor divisor = power(e, e.add(y, e.minus(1, positive)), p.extra() - 1);
    Tensor weighted = e.mul(p.channels(e, cotangent), e.div(positive, divisor));
    List<double[]> ones =
        p.windows().axes().stream()
            .map(
                w -> {
                  double[] one = new double[(int) w.out()];
                  Arrays.fill(one, 1);
                  return one;
                })
            .toList();
    Tensor spread = AveragePoolingRule.spread(e, weighted, p.windows(), ones);
    Tensor inner = e.mul(e.sign(x), power(e, e.abs(x), p.extra() - 1));
    return p.back(e, e.mul(spread, inner), context);
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
