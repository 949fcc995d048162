package org.backpack4j.samediff.internal.rule;

import static org.backpack4j.samediff.internal.rule.UnaryRule.curved;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/** Exponentials, logarithms, circular and hyperbolic functions, with both derivatives. */
final class TranscendentalFunctions {
  private TranscendentalFunctions() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    exponentials(t);
    circular(t);
    hyperbolic(t);
    return t;
  }

  private static void exponentials(Map<String, Rule> t) {
    // ±2/√π exp(−x²), ∓4x/√π exp(−x²)
    put(t, "erf", (e, p) -> bell(e, p, 1), (e, p) -> e.scale(e.mul(p.x(), bell(e, p, 1)), -2));
    put(t, "erfc", (e, p) -> bell(e, p, -1), (e, p) -> e.scale(e.mul(p.x(), bell(e, p, -1)), -2));
    put(t, "exp", (e, p) -> p.y(), (e, p) -> p.y());
    put(t, "expm1", (e, p) -> e.plus(p.y(), 1), (e, p) -> e.plus(p.y(), 1));
    put(
        t,
        "log",
        (e, p) -> e.reciprocal(p.x()),
        (e, p) -> e.scale(e.square(e.reciprocal(p.x())), -1));
    put(
        t,
        "log1p",
        (e, p) -> e.reciprocal(e.plus(p.x(), 1)),
        (e, p) -> e.scale(e.square(e.reciprocal(e.plus(p.x(), 1))), -1));
    // log x / log c
    put(
        t,
        "log_x",
        (e, p) -> e.scale(e.reciprocal(p.x()), 1 / Math.log(p.scalar())),
        (e, p) -> e.scale(e.square(e.reciprocal(p.x())), -1 / Math.log(p.scalar())));
  }

  private static void circular(Map<String, Rule> t) {
    // ∓(1 − x²)^(−1/2), ∓x (1 − x²)^(−3/2)
    put(
        t,
        "acos",
        (e, p) -> e.scale(arc(e, e.minus(1, e.square(p.x()))), -1),
        (e, p) -> e.scale(arcBend(e, p, e.minus(1, e.square(p.x()))), -1));
    put(
        t,
        "asin",
        (e, p) -> arc(e, e.minus(1, e.square(p.x()))),
        (e, p) -> arcBend(e, p, e.minus(1, e.square(p.x()))));
    // 1/(1 + x²), −2x/(1 + x²)²
    put(
        t,
        "atan",
        (e, p) -> e.reciprocal(e.plus(e.square(p.x()), 1)),
        (e, p) -> {
          Tensor r = e.reciprocal(e.plus(e.square(p.x()), 1));
          return e.scale(e.mul(p.x(), e.square(r)), -2);
        });
    put(
        t,
        "cos",
        (e, p) -> e.scale(e.map("sin", p.x(), false, v -> e.graph().math().sin(v)), -1),
        (e, p) -> e.scale(p.y(), -1));
    put(
        t,
        "sin",
        (e, p) -> e.map("cos", p.x(), false, v -> e.graph().math().cos(v)),
        (e, p) -> e.scale(p.y(), -1));
    // 1 + y², 2y (1 + y²)
    put(
        t,
        "tan",
        (e, p) -> e.plus(e.square(p.y()), 1),
        (e, p) -> e.scale(e.mul(p.y(), e.plus(e.square(p.y()), 1)), 2));
  }

  private static void hyperbolic(Map<String, Rule> t) {
    // (x² ∓ 1)^(−1/2), −x (x² ∓ 1)^(−3/2)
    put(
        t,
        "acosh",
        (e, p) -> arc(e, aboveOne(e, p.x())),
        (e, p) -> e.scale(arcBend(e, p, aboveOne(e, p.x())), -1));
    put(
        t,
        "asinh",
        (e, p) -> arc(e, e.plus(e.square(p.x()), 1)),
        (e, p) -> e.scale(arcBend(e, p, e.plus(e.square(p.x()), 1)), -1));
    // 1/(1 − x²), 2x/(1 − x²)²
    put(
        t,
        "atanh",
        (e, p) -> e.reciprocal(e.minus(1, e.square(p.x()))),
        (e, p) -> {
          Tensor r = e.reciprocal(e.minus(1, e.square(p.x())));
          return e.scale(e.mul(p.x(), e.square(r)), 2);
        });
    put(
        t,
        "cosh",
        (e, p) -> e.map("sinh", p.x(), false, v -> e.graph().math().sinh(v)),
        (e, p) -> p.y());
    put(
        t,
        "sinh",
        (e, p) -> e.map("cosh", p.x(), true, v -> e.graph().math().cosh(v)),
        (e, p) -> p.y());
  }

  /** ±2/√π exp(−x²). */
  private static Tensor bell(Emitter e, Point p, int sign) {
    Tensor exponent = e.scale(e.square(p.x()), -1);
    Tensor exp = e.map("exp", exponent, true, v -> e.graph().math().exp(v));
    return e.scale(exp, sign * 2 / Math.sqrt(Math.PI));
  }

  /** r = 1/√q for a quadratic q of x. */
  private static Tensor arc(Emitter e, Tensor q) {
    return e.map("rsqrt", q, true, v -> e.graph().math().rsqrt(v));
  }

  /** x r³. */
  private static Tensor arcBend(Emitter e, Point p, Tensor q) {
    Tensor r = arc(e, q);
    return e.mul(p.x(), e.mul(r, e.square(r)));
  }

  /** x² − 1, without the loss of digits near 1. */
  private static Tensor aboveOne(Emitter e, Tensor x) {
    return e.mul(e.plus(x, -1), e.plus(x, 1));
  }

  private static void put(
      Map<String, Rule> table,
      String name,
      UnaryRule.Derivative first,
      UnaryRule.Derivative second) {
    Functions.put(table, curved(name, first, second));
  }
}
