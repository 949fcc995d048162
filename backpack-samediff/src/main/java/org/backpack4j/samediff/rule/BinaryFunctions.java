package org.backpack4j.samediff.rule;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** The elementwise functions of two inputs, with their partial derivatives. */
final class BinaryFunctions {
  private BinaryFunctions() {}

  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    // a + b
    put(t, "add", (e, i, a, b) -> one(e, a), (e, i, j, a, b) -> null);
    // a / b
    put(t, "divide", BinaryFunctions::quotient, BinaryFunctions::quotientTwice);
    // a b
    put(
        t,
        "multiply",
        (e, i, a, b) -> i == 0 ? b : a,
        (e, i, j, a, b) -> i == j ? null : one(e, a));
    // b / a
    put(
        t,
        "reversedivide",
        (e, i, a, b) -> quotient(e, 1 - i, b, a),
        (e, i, j, a, b) -> quotientTwice(e, 1 - i, 1 - j, b, a));
    // b − a
    put(
        t,
        "reversesubtract",
        (e, i, a, b) -> i == 1 ? one(e, a) : minusOne(e, a),
        (e, i, j, a, b) -> null);
    // (a − b)²
    put(
        t,
        "squaredsubtract",
        (e, i, a, b) -> e.scale(e.sub(a, b), i == 0 ? 2 : -2),
        (e, i, j, a, b) -> e.scale(one(e, a), i == j ? 2 : -2));
    // a − b
    put(
        t,
        "subtract",
        (e, i, a, b) -> i == 0 ? one(e, a) : minusOne(e, a),
        (e, i, j, a, b) -> null);
    return t;
  }

  private static @Nullable Tensor quotient(Emitter e, int i, Tensor a, Tensor b) {
    Tensor inverse = e.div(one(e, a), b);
    return i == 0 ? inverse : e.scale(e.mul(e.mul(a, inverse), inverse), -1);
  }

  private static @Nullable Tensor quotientTwice(Emitter e, int i, int j, Tensor a, Tensor b) {
    Tensor inverse = e.div(one(e, a), b);
    if (i != j) {
      return e.scale(e.square(inverse), -1);
    }
    return i == 0 ? null : e.scale(e.mul(a, e.mul(inverse, e.square(inverse))), 2);
  }

  private static Tensor one(Emitter e, Tensor like) {
    long[] shape = new long[like.rank()];
    java.util.Arrays.fill(shape, 1);
    return e.literal(1, like.type(), Dims.of(shape));
  }

  private static Tensor minusOne(Emitter e, Tensor like) {
    return e.scale(one(e, like), -1);
  }

  /** ∂f/∂(input i). */
  private interface First {
    @Nullable Tensor at(Emitter e, int i, Tensor a, Tensor b);
  }

  /** ∂²f/∂(input i)∂(input j); null for zero. */
  private interface Second {
    @Nullable Tensor at(Emitter e, int i, int j, Tensor a, Tensor b);
  }

  private static void put(Map<String, Rule> table, String name, First first, Second second) {
    table.put(
        name,
        new BinaryRule(
            name,
            new BinaryRule.Partials() {
              @Override
              public @Nullable Tensor first(Emitter e, int input, Tensor a, Tensor b) {
                return first.at(e, input, a, b);
              }

              @Override
              public @Nullable Tensor second(Emitter e, int one, int other, Tensor a, Tensor b) {
                return second.at(e, one, other, a, b);
              }
            }));
  }
}
