package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * ND4J's rational approximation of 1.7159 tanh(2x/3): y = 1.7159 sign(x) (1 − 1/p(a)) with a =
 * |2x/3| and p(a) = 1 + a + a² + 1.41645 a⁴.
 */
final class RationalTanh {
  private static final double HEIGHT = 1.7159;
  private static final double RATE = 2.0 / 3;
  private static final double QUARTIC = 1.41645;

  private RationalTanh() {}

  /** 1.7159 · 2/3 · p'/p². */
  static Tensor first(Emitter e, Point p) {
    Tensor q = inverse(e, p);
    return e.scale(e.mul(e.mul(slope(e, p), q), q), HEIGHT * RATE);
  }

  /** 1.7159 · 4/9 · sign(x) (p'' − 2 p'²/p) / p². */
  static Tensor second(Emitter e, Point p) {
    Tensor q = inverse(e, p);
    Tensor bend = e.plus(e.scale(e.square(distance(e, p)), 12 * QUARTIC), 2);
    Tensor ratio = e.mul(slope(e, p), q);
    Tensor rest = e.sub(e.mul(e.mul(bend, q), q), e.scale(e.mul(e.square(ratio), q), 2));
    return e.scale(e.mul(e.sign(p.x()), rest), HEIGHT * RATE * RATE);
  }

  private static Tensor distance(Emitter e, Point p) {
    return e.scale(e.abs(p.x()), RATE);
  }

  /** 1/p. */
  private static Tensor inverse(Emitter e, Point p) {
    Tensor a = distance(e, p);
    Tensor a2 = e.square(a);
    Tensor upper = e.mul(a2, e.plus(e.scale(a2, QUARTIC), 1));
    return e.reciprocal(e.plus(e.add(a, upper), 1));
  }

  /** p' = 1 + 2 a + 4 · 1.41645 a³. */
  private static Tensor slope(Emitter e, Point p) {
    Tensor a = distance(e, p);
    return e.plus(e.mul(a, e.plus(e.scale(e.square(a), 4 * QUARTIC), 2)), 1);
  }
}
