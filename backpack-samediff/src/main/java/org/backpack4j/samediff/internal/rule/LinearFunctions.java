package org.backpack4j.samediff.internal.rule;

import static org.backpack4j.samediff.internal.rule.UnaryRule.linear;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Functions that are linear, or linear in pieces: their derivative is a number or a mask, their
 * second derivative zero. At a kink the derivative is the one that ND4J takes, zero for {@code
 * relu}.
 */
final class LinearFunctions {
  private LinearFunctions() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    // |x|
    put(t, "abs", (e, p) -> e.sign(p.x()));
    // x + c
    put(t, "add_scalar", (e, p) -> p.number(1));
    // x / c
    put(t, "div_scalar", (e, p) -> p.number(1 / p.scalar()));
    // x less a multiple of c
    put(t, "fmod_scalar", (e, p) -> p.number(1));
    // x/5 + 1/2 between 0 and 1
    put(t, "hard_sigmoid", (e, p) -> e.scale(within(e, p.x(), 2.5), 0.2));
    // x between −1 and 1
    put(t, "hardtanh", (e, p) -> within(e, p.x(), 1));
    // x, or α x if that is negative
    put(t, "leakyrelu", (e, p) -> e.plus(e.scale(e.less(p.x(), 0), p.scalar() - 1), 1));
    // max(x, c)
    put(t, "max_scalar", (e, p) -> e.greater(p.x(), p.scalar()));
    // c x
    put(t, "mul_scalar", (e, p) -> p.number(p.scalar()));
    // −x
    put(t, "neg", (e, p) -> p.number(-1));
    // 1 − x
    put(t, "oneminus", (e, p) -> p.number(-1));
    // max(x, c)
    put(t, "relu", (e, p) -> e.greater(p.x(), p.scalar()));
    // max(x, c), at most 6
    put(t, "relu6", (e, p) -> e.mul(e.greater(p.x(), p.scalar()), e.less(p.x(), 6)));
    // x less a multiple of c
    put(t, "remainder_scalar", (e, p) -> p.number(1));
    // c − x
    put(t, "rsub_scalar", (e, p) -> p.number(-1));
    // min(x, c)
    put(t, "scalar_min", (e, p) -> e.less(p.x(), p.scalar()));
    // x − c
    put(t, "sub_scalar", (e, p) -> p.number(1));
    // x where it is above c, else 0
    put(t, "thresholdedrelu", (e, p) -> e.greater(p.x(), p.argument(0, 0)));
    return t;
  }

  /** One where |x| ≤ bound. */
  private static Tensor within(Emitter e, Tensor x, double bound) {
    return e.minus(1, e.greater(e.abs(x), bound));
  }

  private static void put(Map<String, Rule> table, String name, UnaryRule.Derivative first) {
    Functions.put(table, linear(name, first));
  }
}
