package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.rule.ReducedFunctionRule.Hessian;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.ops.impl.summarystats.Variance;

/** The reductions that are neither sums nor means, with their derivatives. */
final class ReducedFunctions {
  private ReducedFunctions() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    // the largest and the smallest: the first of several that are equal
    put(t, "amax", extremum(Extremum.LARGEST_SIZE));
    put(t, "amin", extremum(Extremum.SMALLEST_SIZE));
    put(t, "reduce_max", extremum(Extremum.LARGEST));
    put(t, "reduce_min", extremum(Extremum.SMALLEST));
    put(t, "reduce_normmax", extremum(Extremum.LARGEST_SIZE));
    // sums of absolute values
    put(t, "amean", ReducedFunctionRule.linear("mean of |x|", ReducedFunctions::meanSign));
    put(t, "asum", ReducedFunctionRule.linear("sum of |x|", g -> g.e().sign(g.x())));
    put(t, "reduce_norm1", ReducedFunctionRule.linear("sum of |x|", g -> g.e().sign(g.x())));
    // norms
    put(
        t,
        "reduce_norm2",
        ReducedFunctionRule.curved("norm", g -> g.ratio(g.x(), g.y()), ReducedFunctions::norm));
    put(
        t,
        "reduce_sqnorm",
        ReducedFunctionRule.curved(
                "squared norm",
                g -> g.e().scale(g.x(), 2),
                g -> new Hessian(g.e().scale(g.one(), 2), List.of(), List.of()))
            .ofSeparateTerms());
    // log Σ exp
    put(
        t,
        "reduce_logsumexp",
        ReducedFunctionRule.curved(
            "log of the sum of exp",
            ReducedFunctions::softmax,
            g -> new Hessian(softmax(g), List.of(softmax(g)), List.of(-1))));
    // statistics
    put(
        t,
        "std",
        ReducedFunctionRule.curved(
            "standard deviation", ReducedFunctions::deviation, ReducedFunctions::deviationTwice));
    put(
        t,
        "var",
        ReducedFunctionRule.curved(
            "variance", g -> variance(g, bias(g)), g -> varianceTwice(g, bias(g))));
    // −Σ p log p, to the base of 2, and its logarithm
    put(
        t,
        "entropy",
        ReducedFunctionRule.curved(
                "entropy",
                g -> information(g, 1),
                g -> new Hessian(g.e().div(g.e().scale(g.one(), -1), g.x()), List.of(), List.of()))
            .ofSeparateTerms());
    put(
        t,
        "logentropy",
        ReducedFunctionRule.curved(
            "log of entropy", g -> g.e().div(information(g, 1), exp(g.e(), g.y())), null));
    put(
        t,
        "shannonentropy",
        ReducedFunctionRule.curved(
                "entropy in bits",
                g -> information(g, 1 / Math.log(2)),
                g ->
                    new Hessian(
                        g.e().div(g.e().scale(g.one(), -1 / Math.log(2)), g.x()),
                        List.of(),
                        List.of()))
            .ofSeparateTerms());
    put(
        t,
        "reduce_prod",
        ReducedFunctionRule.curved("product", ReducedFunctions::others, null).withinSamples());
    return t;
  }

  private static void put(Map<String, Rule> table, String op, Rule rule) {
    table.put(op, rule);
  }

  private static Rule extremum(Extremum kind) {
    return ReducedFunctionRule.linear(kind.title(), kind::slope).withinSamples();
  }

  private static Tensor exp(Emitter e, Tensor x) {
    return e.map("exp", x, true, v -> e.graph().math().exp(v));
  }

  private static Tensor log(Emitter e, Tensor x) {
    return e.map("log", x, false, v -> e.graph().math().log(v));
  }

  private static Tensor meanSign(Group g) {
    return g.e().mul(g.e().sign(g.x()), g.inverseCount(0));
  }

  /** y = ‖x‖: (I − x xᵀ / y²) / y. */
  private static Hessian norm(Group g) {
    Tensor inverse = g.ratio(g.one(), g.y());
    Tensor u = g.e().mul(g.x(), g.e().mul(inverse, g.e().sqrt(inverse.knownNonNegative())));
    return new Hessian(inverse, List.of(u), List.of(-1));
  }

  private static Tensor softmax(Group g) {
    return exp(g.e(), g.e().sub(g.x(), g.y()));
  }

  private static int bias(Group g) {
    return ((Variance) g.context().node().function()).isBiasCorrected() ? 1 : 0;
  }

  /** 2 (x − mean) / (n − bias). */
  static Tensor variance(Group g, int bias) {
    return g.e().scale(g.e().mul(g.centred(), g.inverseCount(bias)), 2);
  }

  /** 2 / (n − bias) · (I − 1 1ᵀ / n). */
  static Hessian varianceTwice(Group g, int bias) {
    Emitter e = g.e();
    Tensor twice = e.scale(g.inverseCount(bias), 2);
    Tensor u = e.mul(g.one(), e.sqrt(e.mul(twice, g.inverseCount(0)).knownNonNegative()));
    return new Hessian(twice, List.of(u), List.of(-1));
  }

  /** y = √v: (x − mean) / ((n − bias) y). */
  private static Tensor deviation(Group g) {
    return g.ratio(g.e().mul(g.centred(), g.inverseCount(bias(g))), g.y());
  }

  /** (I − 1 1ᵀ / n) / ((n − bias) y) − u uᵀ / y with u the first derivative. */
  private static Hessian deviationTwice(Group g) {
    Emitter e = g.e();
    Tensor inverse = g.ratio(g.one(), g.y()).knownNonNegative();
    Tensor scale = e.mul(g.inverseCount(bias(g)), inverse).knownNonNegative();
    Tensor ones = e.sqrt(e.mul(scale, g.inverseCount(0)).knownNonNegative());
    Tensor u = e.mul(deviation(g), e.sqrt(inverse));
    return new Hessian(scale, List.of(ones, u), List.of(-1, -1));
  }

  /** −(log p + 1), to another base. */
  private static Tensor information(Group g, double base) {
    return g.e().scale(g.e().plus(log(g.e(), g.x()), 1), -base);
  }

  /** The product of all others, also where one is zero: those before times those behind. */
  private static Tensor others(Group g) {
    Emitter e = g.e();
    Rows rows = Rows.of(g);
    Tensor before = products(e, rows.value(), false);
    Tensor behind = products(e, rows.value(), true);
    return rows.back(e.mul(before, behind));
  }

  private static Tensor products(Emitter e, Tensor rows, boolean reverse) {
    return e.op(
        List.of("cumprod", reverse),
        rows.dims(),
        rows.type(),
        rows.nonNegative(),
        List.of(rows),
        () -> e.graph().cumprod(rows.variable(), true, reverse, rows.rank() - 1));
  }
}
