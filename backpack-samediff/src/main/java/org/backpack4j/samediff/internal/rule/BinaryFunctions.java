package org.backpack4j.samediff.internal.rule;

import static org.backpack4j.samediff.internal.rule.BinaryRule.Partial.MINUS_ONE;
import static org.backpack4j.samediff.internal.rule.BinaryRule.Partial.ONE;
import static org.backpack4j.samediff.internal.rule.BinaryRule.Partial.ZERO;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/** The elementwise functions of two or more inputs, with their partial derivatives. */
final class BinaryFunctions {
  private BinaryFunctions() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    linear(t);
    products(t);
    t.put("Pow", Powers.rule());
    // the angle of the point (b, a)
    put(t, "tf_atan2", Angles.DA, Angles.DB, Angles.DAA, Angles.DAB, Angles.DBB);
    Rule replace = new ReplaceRule();
    Rule select = new SelectRule();
    t.put("Where", select);
    t.put("car", replace);
    t.put("cas", replace);
    t.put("mergeadd", new MergeRule(MergeRule.Kind.SUM));
    t.put("mergeavg", new MergeRule(MergeRule.Kind.MEAN));
    t.put("mergemax", new MergeRule(MergeRule.Kind.MAXIMUM));
    t.put("prelu", new PreluRule());
    t.put("select", select);
    t.putAll(FlatRule.table());
    return t;
  }

  private static void linear(Map<String, Rule> t) {
    // a + b
    put(t, "add", ONE, ONE);
    // a − b ⌊a/b⌋
    put(t, "floormod", ONE, BinaryFunctions::minusQuotient);
    // where a = b, both inputs take the whole cotangent, as in ND4J
    put(
        t,
        "maximum",
        (e, o) -> o.same() ? o.number(0.5) : atLeast(e, o.a(), o.b()),
        (e, o) -> o.same() ? o.number(0.5) : atLeast(e, o.b(), o.a()));
    put(
        t,
        "minimum",
        (e, o) -> o.same() ? o.number(0.5) : atLeast(e, o.b(), o.a()),
        (e, o) -> o.same() ? o.number(0.5) : atLeast(e, o.a(), o.b()));
    // a − b trunc(a/b)
    put(t, "mod", ONE, BinaryFunctions::minusQuotient);
    // b − a
    put(t, "reversesubtract", MINUS_ONE, ONE);
    // a − b
    put(t, "subtract", ONE, MINUS_ONE);
  }

  private static void products(Map<String, Rule> t) {
    // b σ'(a), SameDiff's sigmoidDerivative: σ' = σ (1 − σ), σ'' = σ' (1 − 2 σ), third σ' (1 − 6
    // σ')
    put(
        t,
        "sigmoid_bp",
        (e, o) -> e.mul(o.b(), sigmoidBend(e, o)),
        (e, o) -> Activations.bell(e, Activations.sigmoid(e, o.a())),
        (e, o) -> {
          Tensor slope = Activations.bell(e, Activations.sigmoid(e, o.a()));
          return e.mul(o.b(), e.mul(slope, e.minus(1, e.scale(slope, 6))));
        },
        BinaryFunctions::sigmoidBend,
        ZERO);
    // a / b
    quotient(t, "divide", (e, b) -> e.reciprocal(b));
    // a / b, or 0 where b is 0
    quotient(
        t,
        "divide_no_nan",
        (e, b) -> {
          Tensor nonZero = e.greater(e.abs(b), 0);
          return e.mul(nonZero, e.reciprocal(e.add(b, e.minus(1, nonZero))));
        });
    quotient(t, "realdiv", (e, b) -> e.reciprocal(b));
    // a b
    put(t, "multiply", (e, o) -> o.b(), (e, o) -> o.a(), ZERO, ONE, ZERO);
    // b / a
    put(
        t,
        "reversedivide",
        (e, o) -> {
          Tensor r = e.reciprocal(o.a());
          return e.scale(e.mul(o.b(), e.square(r)), -1);
        },
        (e, o) -> e.reciprocal(o.a()),
        (e, o) -> {
          Tensor r = e.reciprocal(o.a());
          return e.scale(e.mul(o.b(), e.mul(r, e.square(r))), 2);
        },
        (e, o) -> e.scale(e.square(e.reciprocal(o.a())), -1),
        ZERO);
    // (a − b)²
    put(
        t,
        "squaredsubtract",
        (e, o) -> e.scale(e.sub(o.a(), o.b()), 2),
        (e, o) -> e.scale(e.sub(o.a(), o.b()), -2),
        (e, o) -> o.number(2),
        (e, o) -> o.number(-2),
        (e, o) -> o.number(2));
  }

  private static Tensor sigmoidBend(Emitter e, Operands o) {
    Tensor s = Activations.sigmoid(e, o.a());
    return e.mul(Activations.bell(e, s), e.minus(1, e.scale(s, 2)));
  }

  /** One over the denominator. */
  private interface Inverse {
    Tensor of(Emitter e, Tensor b);
  }

  /** a r with r = 1/b: r, −a r², 0, −r², 2 a r³. */
  private static void quotient(Map<String, Rule> table, String name, Inverse inverse) {
    put(
        table,
        name,
        (e, o) -> inverse.of(e, o.b()),
        (e, o) -> e.scale(e.mul(o.a(), e.square(inverse.of(e, o.b()))), -1),
        ZERO,
        (e, o) -> e.scale(e.square(inverse.of(e, o.b())), -1),
        (e, o) -> {
          Tensor r = inverse.of(e, o.b());
          return e.scale(e.mul(o.a(), e.mul(r, e.square(r))), 2);
        });
  }

  /** One where a ≥ b. */
  private static Tensor atLeast(Emitter e, Tensor a, Tensor b) {
    return e.minus(1, e.greater(e.sub(b, a), 0));
  }

  /** The integer −q in y = a − b q. */
  private static Tensor minusQuotient(Emitter e, Operands o) {
    return e.div(e.sub(o.y(), o.a()), o.b());
  }

  /** atan2(a, b), ρ = 1 / (a² + b²). */
  private static final class Angles {
    static final BinaryRule.Partial DA = (e, o) -> e.mul(o.b(), rho(e, o));
    static final BinaryRule.Partial DB = (e, o) -> e.scale(e.mul(o.a(), rho(e, o)), -1);
    static final BinaryRule.Partial DAA = (e, o) -> e.scale(twist(e, o), -2);
    static final BinaryRule.Partial DAB =
        (e, o) -> e.mul(e.sub(e.square(o.a()), e.square(o.b())), e.square(rho(e, o)));
    static final BinaryRule.Partial DBB = (e, o) -> e.scale(twist(e, o), 2);

    private static Tensor rho(Emitter e, Operands o) {
      return e.reciprocal(e.add(e.square(o.a()), e.square(o.b())));
    }

    /** a b ρ². */
    private static Tensor twist(Emitter e, Operands o) {
      return e.mul(e.mul(o.a(), o.b()), e.square(rho(e, o)));
    }
  }

  /** aᵇ. */
  private static final class Powers {
    static BinaryRule rule() {
      return new BinaryRule(
          "Pow",
          Powers::slope,
          (e, o) -> e.mul(o.y(), log(e, o.a())),
          Powers::bend,
          // aᵇ⁻¹ (1 + b log a)
          (e, o) -> e.mul(e.pow(o.a(), e.plus(o.b(), -1)), e.plus(e.mul(o.b(), log(e, o.a())), 1)),
          (e, o) -> e.mul(o.y(), e.square(log(e, o.a()))));
    }

    /** b aᵇ⁻¹, zero where b is. */
    private static Tensor slope(Emitter e, Operands o) {
      Double b = o.constant();
      return b != null
          ? PowerFunctions.slope(e, o.a(), b)
          : monomial(e, o.a(), o.b(), e.plus(o.b(), -1));
    }

    /** b (b − 1) aᵇ⁻², zero where b or b − 1 is. */
    private static Tensor bend(Emitter e, Operands o) {
      Double b = o.constant();
      if (b != null) {
        return PowerFunctions.bend(e, o.a(), b);
      }
      Tensor factor = e.mul(o.b(), e.plus(o.b(), -1));
      return monomial(e, o.a(), factor, e.plus(o.b(), -2));
    }

    /** log a; 0 where a = 0, since there aᵇ log a tends to 0. */
    private static Tensor log(Emitter e, Tensor a) {
      Tensor zero = e.minus(1, e.greater(e.abs(a), 0));
      return e.map("log", e.add(a, zero), false, v -> e.graph().math().log(v));
    }

    /** A factor times a power of a; zero where the factor is, also if the power is infinite. */
    private static Tensor monomial(Emitter e, Tensor a, Tensor factor, Tensor exponent) {
      return e.mul(factor, e.pow(a, e.mul(exponent, e.greater(e.abs(factor), 0))));
    }
  }

  private static void put(
      Map<String, Rule> table, String name, BinaryRule.Partial da, BinaryRule.Partial db) {
    table.put(name, BinaryRule.linear(name, da, db));
  }

  private static void put(
      Map<String, Rule> table,
      String name,
      BinaryRule.Partial da,
      BinaryRule.Partial db,
      BinaryRule.Partial daa,
      BinaryRule.Partial dab,
      BinaryRule.Partial dbb) {
    table.put(name, new BinaryRule(name, da, db, daa, dab, dbb));
  }
}
