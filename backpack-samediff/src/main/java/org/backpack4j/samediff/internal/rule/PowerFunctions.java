package org.backpack4j.samediff.internal.rule;

import static org.backpack4j.samediff.internal.rule.UnaryRule.curved;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/** Powers, roots and quotients of one input, with both derivatives. */
final class PowerFunctions {
  private PowerFunctions() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    // 1 / x
    put(
        t,
        "Reciprocal",
        (e, p) -> e.scale(e.square(p.y()), -1),
        (e, p) -> e.scale(e.mul(p.y(), e.square(p.y())), 2));
    put(t, "cube", (e, p) -> e.scale(e.square(p.x()), 3), (e, p) -> e.scale(p.x(), 6));
    // x^c
    put(t, "pow", (e, p) -> slope(e, p.x(), p.scalar()), (e, p) -> bend(e, p.x(), p.scalar()));
    // c / x
    put(
        t,
        "rdiv_scalar",
        (e, p) -> e.scale(e.square(e.reciprocal(p.x())), -p.scalar()),
        (e, p) -> {
          Tensor r = e.reciprocal(p.x());
          return e.scale(e.mul(r, e.square(r)), 2 * p.scalar());
        });
    // 1 / √x: −y³/2, 3 y⁵/4
    put(
        t,
        "rsqrt",
        (e, p) -> e.scale(e.mul(p.y(), e.square(p.y())), -0.5),
        (e, p) -> e.scale(e.mul(p.y(), e.square(e.square(p.y()))), 0.75));
    // √x: 1 / 2y, −1 / 4y³
    put(
        t,
        "sqrt",
        (e, p) -> e.scale(e.reciprocal(p.y()), 0.5),
        (e, p) -> {
          Tensor r = e.reciprocal(p.y());
          return e.scale(e.mul(r, e.square(r)), -0.25);
        });
    put(t, "square", (e, p) -> e.scale(p.x(), 2), (e, p) -> p.number(2));
    // x (1 − x)
    put(t, "timesoneminus", (e, p) -> e.minus(1, e.scale(p.x(), 2)), (e, p) -> p.number(-2));
    return t;
  }

  /** The derivative of x^c. */
  static Tensor slope(Emitter e, Tensor x, double c) {
    return monomial(e, x, c, c - 1);
  }

  /** The second derivative of x^c. */
  static Tensor bend(Emitter e, Tensor x, double c) {
    return monomial(e, x, c * (c - 1), c - 2);
  }

  /** A multiple of x^c, by products where that can be: ND4J's power takes fifteen times as long. */
  private static Tensor monomial(Emitter e, Tensor x, double factor, double c) {
    if (factor == 0 || c == 0) {
      return e.literal(factor, x.type(), Dims.ones(x.rank())); // zero also where x^c is infinite
    }
    return e.scale(power(e, x, c), factor);
  }

  private static Tensor power(Emitter e, Tensor x, double c) {
    if (c == 1) {
      return x;
    }
    if (c == 2) {
      return e.square(x);
    }
    if (c == 3) {
      return e.mul(x, e.square(x));
    }
    if (c == -1 || c == -2) {
      return power(e, e.reciprocal(x), -c);
    }
    return e.map("power " + c, x, x.nonNegative(), v -> e.graph().math().pow(v, c));
  }

  private static void put(
      Map<String, Rule> table,
      String name,
      UnaryRule.Derivative first,
      UnaryRule.Derivative second) {
    Functions.put(table, curved(name, first, second));
  }
}
