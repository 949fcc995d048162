package org.backpack4j.samediff.rule;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/** The elementwise functions of one input, with their derivatives. */
final class Functions {
  private Functions() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    // linear, or linear in pieces
    put(t, UnaryRule.linear("add_scalar", (e, x, y, n) -> one(e, x)));
    put(t, UnaryRule.linear("div_scalar", (e, x, y, n) -> e.scale(one(e, x), 1 / n.scalar())));
    put(t, UnaryRule.linear("mul_scalar", (e, x, y, n) -> e.scale(one(e, x), n.scalar())));
    put(t, UnaryRule.linear("neg", (e, x, y, n) -> e.scale(one(e, x), -1)));
    put(t, UnaryRule.linear("relu", (e, x, y, n) -> e.greater(x, n.scalar())));
    put(t, UnaryRule.linear("rsub_scalar", (e, x, y, n) -> e.scale(one(e, x), -1)));
    put(t, UnaryRule.linear("sub_scalar", (e, x, y, n) -> one(e, x)));
    // curved
    put(t, UnaryRule.curved("exp", (e, x, y, n) -> y, (e, x, y, n) -> y));
    put(
        t,
        UnaryRule.curved(
            "log",
            (e, x, y, n) -> e.div(one(e, x), x),
            (e, x, y, n) -> e.scale(e.square(e.div(one(e, x), x)), -1)));
    put(
        t,
        UnaryRule.curved(
            "sigmoid",
            (e, x, y, n) -> e.mul(y, e.minus(1, y)),
            (e, x, y, n) -> e.mul(e.mul(y, e.minus(1, y)), e.minus(1, e.scale(y, 2)))));
    put(
        t,
        UnaryRule.curved(
            "square", (e, x, y, n) -> e.scale(x, 2), (e, x, y, n) -> e.scale(one(e, x), 2)));
    put(
        t,
        UnaryRule.curved(
            "tanh",
            (e, x, y, n) -> e.minus(1, e.square(y)),
            (e, x, y, n) -> e.scale(e.mul(y, e.minus(1, e.square(y))), -2)));
    return t;
  }

  private static Tensor one(Emitter e, Tensor like) {
    long[] shape = new long[like.rank()];
    java.util.Arrays.fill(shape, 1);
    return e.literal(1, like.type(), Dims.of(shape));
  }

  private static void put(Map<String, Rule> table, UnaryRule rule) {
    table.put(rule.name(), rule);
  }
}
