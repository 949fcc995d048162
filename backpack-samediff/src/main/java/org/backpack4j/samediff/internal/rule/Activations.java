package org.backpack4j.samediff.internal.rule;

import static org.backpack4j.samediff.internal.rule.UnaryRule.curved;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Curved activation functions, with both derivatives. The output is used where that saves an
 * exponential; nothing overflows for large |x|. Below, σ is the sigmoid, and s, t and the like are
 * what the code calls so.
 */
final class Activations {
  /** The factor in gelu's approximation x σ(1.702 x) (Hendrycks and Gimpel, 2016). */
  private static final double GELU = 1.702;

  private static final double ROOT = Math.sqrt(2 / Math.PI);

  /** SELU's constants (Klambauer et al., 2017). */
  private static final double LAMBDA = 1.0507009873554805;

  private static final double ALPHA = 1.6732632423543772;

  private Activations() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    // x, or α (eˣ − 1) if that is negative
    put(
        t,
        "elu",
        (e, p) -> exponentialUnit(e, p, 1, p.argument(0, 1)),
        (e, p) -> exponentialBend(e, p, p.argument(0, 1)));
    put(t, "gelu", Activations::gelu, Activations::geluTwice);
    // log σ(x)
    put(
        t,
        "logsigmoid",
        (e, p) -> sigmoid(e, e.scale(p.x(), -1)),
        (e, p) -> e.scale(bell(e, sigmoid(e, e.scale(p.x(), -1))), -1));
    put(t, "mish", Activations::mish, Activations::mishTwice);
    put(t, "precise_gelu", Activations::preciseGelu, Activations::preciseGeluTwice);
    put(t, "rational_tanh", RationalTanh::first, RationalTanh::second);
    // max(tanh x, 0): y is zero where x is negative
    put(
        t,
        "rectified_tanh",
        (e, p) -> e.mul(e.greater(p.x(), 0), e.minus(1, e.square(p.y()))),
        (e, p) -> e.scale(e.mul(p.y(), e.minus(1, e.square(p.y()))), -2));
    // λ x, or λ α (eˣ − 1) if that is negative
    put(
        t,
        "selu",
        (e, p) -> exponentialUnit(e, p, LAMBDA, LAMBDA * ALPHA),
        (e, p) -> exponentialBend(e, p, LAMBDA * ALPHA));
    // σ(x): σ' = σ (1 − σ), σ'' = σ' (1 − 2 σ)
    put(
        t,
        "sigmoid",
        (e, p) -> bell(e, p.y()),
        (e, p) -> e.mul(bell(e, p.y()), e.minus(1, e.scale(p.y(), 2))));
    // log(1 + eˣ)
    put(t, "softplus", (e, p) -> sigmoid(e, p.x()), (e, p) -> bell(e, sigmoid(e, p.x())));
    // x / (1 + |x|)
    put(t, "softsign", (e, p) -> e.square(softsignSlope(e, p.x())), Activations::softsignBend);
    // 1 / (1 + |x|)²
    put(
        t,
        "softsignderivative",
        Activations::softsignBend,
        (e, p) -> e.scale(e.square(e.square(softsignSlope(e, p.x()))), 6));
    put(t, "swish", Activations::swish, Activations::swishTwice);
    // 1 − y², −2 y (1 − y²)
    put(
        t,
        "tanh",
        (e, p) -> e.minus(1, e.square(p.y())),
        (e, p) -> e.scale(e.mul(p.y(), e.minus(1, e.square(p.y()))), -2));
    return t;
  }

  /** y = slope · x above zero, bend · (eˣ − 1) below: y' = slope, or bend eˣ = y + bend. */
  private static Tensor exponentialUnit(Emitter e, Point p, double slope, double bend) {
    if (slope == bend) {
      return e.plus(e.mul(p.y(), e.less(p.x(), 0)), bend);
    }
    Tensor below = exponentialBend(e, p, bend);
    return e.add(below, e.scale(e.greater(p.x(), 0), slope));
  }

  /** bend · eˣ below zero, and zero above. */
  private static Tensor exponentialBend(Emitter e, Point p, double bend) {
    return e.mul(e.plus(p.y(), bend), e.minus(1, e.greater(p.x(), 0)));
  }

  // x σ(a x), s = σ(a x): s + a y (1 − s), and a s (1 − s) (2 + a x (1 − 2 s))

  private static Tensor gated(Emitter e, Point p, double a) {
    Tensor s = sigmoid(e, e.scale(p.x(), a));
    return e.add(s, e.scale(e.mul(p.y(), e.minus(1, s)), a));
  }

  private static Tensor gatedTwice(Emitter e, Point p, double a) {
    Tensor s = sigmoid(e, e.scale(p.x(), a));
    Tensor inner = e.plus(e.mul(e.scale(p.x(), a), e.minus(1, e.scale(s, 2))), 2);
    return e.mul(e.scale(bell(e, s), a), inner);
  }

  private static Tensor swish(Emitter e, Point p) {
    return gated(e, p, 1);
  }

  private static Tensor swishTwice(Emitter e, Point p) {
    return gatedTwice(e, p, 1);
  }

  private static Tensor gelu(Emitter e, Point p) {
    return gated(e, p, GELU);
  }

  private static Tensor geluTwice(Emitter e, Point p) {
    return gatedTwice(e, p, GELU);
  }

  // x (1 + t) / 2 with t = tanh u, u = √(2/π) (x + (0.044715 x)³). The cube takes in the factor:
  // that is what ND4J computes, where Hendrycks and Gimpel have 0.044715 x³.

  private static Tensor preciseGelu(Emitter e, Point p) {
    Tensor t = tanh(e, bent(e, p.x()));
    Tensor rise = e.mul(p.x(), e.mul(e.minus(1, e.square(t)), bentSlope(e, p.x())));
    return e.scale(e.plus(e.add(t, rise), 1), 0.5);
  }

  /** (1 − t²) (u' + x u''/2 − x t u'²). */
  private static Tensor preciseGeluTwice(Emitter e, Point p) {
    Tensor x = p.x();
    Tensor t = tanh(e, bent(e, x));
    Tensor slope = bentSlope(e, x);
    Tensor outer = e.mul(e.mul(x, t), e.square(slope));
    // x u''/2 = 3 √(2/π) 0.044715³ x²
    Tensor inner = e.scale(e.square(x), 3 * ROOT * Math.pow(0.044715, 3));
    return e.mul(e.minus(1, e.square(t)), e.sub(e.add(slope, inner), outer));
  }

  private static Tensor bent(Emitter e, Tensor x) {
    Tensor factor = e.plus(e.scale(e.square(x), ROOT * Math.pow(0.044715, 3)), ROOT);
    return e.mul(x, factor);
  }

  private static Tensor bentSlope(Emitter e, Tensor x) {
    return e.plus(e.scale(e.square(x), 3 * ROOT * Math.pow(0.044715, 3)), ROOT);
  }

  // x w with w = tanh(log(1 + eˣ)), s = σ(x), w' = s (1 − w²): w + x w', and
  // w' (2 + x (1 − s − 2 w s))

  private static Tensor mish(Emitter e, Point p) {
    Tensor w = tanh(e, softplus(e, p.x()));
    Tensor slope = e.mul(sigmoid(e, p.x()), e.minus(1, e.square(w)));
    return e.add(w, e.mul(p.x(), slope));
  }

  private static Tensor mishTwice(Emitter e, Point p) {
    Tensor w = tanh(e, softplus(e, p.x()));
    Tensor s = sigmoid(e, p.x());
    Tensor slope = e.mul(s, e.minus(1, e.square(w)));
    Tensor inner = e.minus(1, e.mul(s, e.plus(e.scale(w, 2), 1)));
    return e.mul(slope, e.plus(e.mul(p.x(), inner), 2));
  }

  /** 1 / (1 + |x|). */
  private static Tensor softsignSlope(Emitter e, Tensor x) {
    return e.reciprocal(e.plus(e.abs(x), 1));
  }

  /** −2 sign(x) / (1 + |x|)³. */
  private static Tensor softsignBend(Emitter e, Point p) {
    Tensor r = softsignSlope(e, p.x());
    return e.scale(e.mul(e.sign(p.x()), e.mul(r, e.square(r))), -2);
  }

  /** s (1 − s). */
  static Tensor bell(Emitter e, Tensor s) {
    return e.mul(s, e.minus(1, s)).knownNonNegative();
  }

  static Tensor sigmoid(Emitter e, Tensor x) {
    return e.map("sigmoid", x, true, v -> e.graph().nn().sigmoid(v));
  }

  private static Tensor tanh(Emitter e, Tensor x) {
    return e.map("tanh", x, false, v -> e.graph().math().tanh(v));
  }

  private static Tensor softplus(Emitter e, Tensor x) {
    return e.map("softplus", x, true, v -> e.graph().nn().softplus(v));
  }

  private static void put(
      Map<String, Rule> table,
      String name,
      UnaryRule.Derivative first,
      UnaryRule.Derivative second) {
    Functions.put(table, curved(name, first, second));
  }
}
