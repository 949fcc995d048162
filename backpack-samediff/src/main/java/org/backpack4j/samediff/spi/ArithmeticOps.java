package org.backpack4j.samediff.spi;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/** Entry by entry, extents of one broadcast. */
abstract class ArithmeticOps extends Emission {

  ArithmeticOps(SameDiff graph, String sampled, int axis, long factor) {
    super(graph, sampled, axis, factor);
  }

  /**
   * The product, entry by entry, extents of one broadcast.
   *
   * @param a a value
   * @param b a value of the same rank, or a scalar
   * @return the product
   */
  @SuppressWarnings("ReferenceEquality")
  public Tensor mul(Tensor a, Tensor b) {
    if (a.literal() != null && b.literal() == null) {
      return mul(b, a);
    }
    if (b.literal() != null) {
      return scale(a, b.literal());
    }
    boolean square = a == b;
    return binary(
        "mul",
        a,
        b,
        square || (a.nonNegative() && b.nonNegative()),
        () -> a.variable().mul(b.variable()));
  }

  /**
   * The quotient, entry by entry, extents of one broadcast.
   *
   * @param a the numerator
   * @param b the denominator, of the same rank, or a scalar
   * @return the quotient
   */
  public Tensor div(Tensor a, Tensor b) {
    if (b.literal() != null) {
      return scale(a, 1 / b.literal());
    }
    if (a.literal() != null && b.rank() >= a.rank()) {
      return scale(reciprocal(b), a.literal());
    }
    return binary(
        "div", a, b, a.nonNegative() && b.nonNegative(), () -> a.variable().div(b.variable()));
  }

  /**
   * The sum, entry by entry, extents of one broadcast.
   *
   * @param a a value
   * @param b a value of the same rank, or a scalar
   * @return the sum
   */
  public Tensor add(Tensor a, Tensor b) {
    if (a.literal() != null && b.literal() == null) {
      return add(b, a);
    }
    if (b.literal() != null) {
      return plus(a, b.literal());
    }
    return binary(
        "add", a, b, a.nonNegative() && b.nonNegative(), () -> a.variable().add(b.variable()));
  }

  /**
   * The difference, entry by entry, extents of one broadcast.
   *
   * @param a a value
   * @param b a value of the same rank, or a scalar
   * @return a − b
   */
  public Tensor sub(Tensor a, Tensor b) {
    if (b.literal() != null) {
      return plus(a, -b.literal());
    }
    if (a.literal() != null && b.rank() >= a.rank()) {
      return minus(a.literal(), b);
    }
    return binary("sub", a, b, false, () -> a.variable().sub(b.variable()));
  }

  /**
   * The larger of two values, entry by entry.
   *
   * @param a a value
   * @param b a value of the same rank
   * @return the maximum
   */
  public Tensor max(Tensor a, Tensor b) {
    return binary(
        "max",
        a,
        b,
        a.nonNegative() || b.nonNegative(),
        () -> graph.math().max(a.variable(), b.variable()));
  }

  /**
   * A power with an exponent for each entry.
   *
   * @param a the base
   * @param b the exponent, of the same rank
   * @return the power
   */
  public Tensor pow(Tensor a, Tensor b) {
    return binary("pow", a, b, a.nonNegative(), () -> graph.math().pow(a.variable(), b.variable()));
  }

  /**
   * A multiple.
   *
   * @param a the value
   * @param factor the factor
   * @return the value times the factor
   */
  public Tensor scale(Tensor a, double factor) {
    if (factor == 1) {
      return a;
    }
    if (a.literal() != null) {
      return literal(a.literal() * factor, a.type(), a.dims());
    }
    return make(
        List.of("scale", id(a), factor),
        () -> a.variable().mul(factor),
        v -> like(v, a.dims(), a.nonNegative() && factor >= 0, a));
  }

  /**
   * A value plus a number.
   *
   * @param a the value
   * @param summand the number
   * @return the sum
   */
  public Tensor plus(Tensor a, double summand) {
    if (summand == 0) {
      return a;
    }
    if (a.literal() != null) {
      return literal(a.literal() + summand, a.type(), a.dims());
    }
    return make(
        List.of("plus", id(a), summand),
        () -> a.variable().add(summand),
        v -> like(v, a.dims(), a.nonNegative() && summand >= 0, a));
  }

  /**
   * A number minus a value.
   *
   * @param minuend the number
   * @param a the value
   * @return minuend − a
   */
  public Tensor minus(double minuend, Tensor a) {
    if (minuend == 0) {
      return scale(a, -1);
    }
    if (a.literal() != null) {
      return literal(minuend - a.literal(), a.type(), a.dims());
    }
    return make(
        List.of("minus", minuend, id(a)),
        () -> a.variable().rsub(minuend),
        v -> like(v, a.dims(), false, a));
  }

  /**
   * One over a value.
   *
   * @param a the value
   * @return 1 / a, infinite where the value is zero
   */
  public Tensor reciprocal(Tensor a) {
    if (a.literal() != null) {
      return literal(1 / a.literal(), a.type(), a.dims());
    }
    return map("reciprocal", a, a.nonNegative(), v -> graph.math().reciprocal(v));
  }

  /**
   * The square, as a product: ND4J's own square runs at a twentieth of memory speed.
   *
   * @param a the value
   * @return a²
   */
  public Tensor square(Tensor a) {
    return mul(a, a);
  }

  /**
   * A function of each entry.
   *
   * @param name the function's name; one name, one function
   * @param a the value
   * @param nonNegative whether no result is negative
   * @param op emits the op
   * @return the result, of the same shape and type
   */
  public Tensor map(
      String name, Tensor a, boolean nonNegative, java.util.function.UnaryOperator<SDVariable> op) {
    return make(
        List.of(name, id(a)), () -> op.apply(a.variable()), v -> like(v, a.dims(), nonNegative, a));
  }

  /**
   * The square root; of what is known to be non-negative.
   *
   * @param a the value
   * @return its root
   */
  public Tensor sqrt(Tensor a) {
    if (a.literal() != null) {
      return literal(Math.sqrt(a.literal()), a.type(), a.dims());
    }
    return map("sqrt", a, true, v -> graph.math().sqrt(v));
  }

  /**
   * The absolute value.
   *
   * @param a the value
   * @return its absolute value
   */
  public Tensor abs(Tensor a) {
    return a.nonNegative() ? a : map("abs", a, true, v -> graph.math().abs(v));
  }

  /**
   * The sign: −1, 0 or 1.
   *
   * @param a the value
   * @return its sign
   */
  public Tensor sign(Tensor a) {
    return map("sign", a, a.nonNegative(), v -> graph.math().sign(v));
  }

  /**
   * One where the value is greater than a number, else zero. ND4J's {@code step} is that, in one op
   * (its documentation says "not less", the op does "greater").
   *
   * @param a the value
   * @param bound the number
   * @return ones and zeros of the value's type
   */
  public Tensor greater(Tensor a, double bound) {
    return make(
        List.of("greater", id(a), bound),
        () -> graph.math().step(a.variable(), bound),
        v -> like(v, a.dims(), true, a));
  }

  /**
   * One where the value is less than a number, else zero.
   *
   * @param a the value
   * @param bound the number
   * @return ones and zeros of the value's type
   */
  public Tensor less(Tensor a, double bound) {
    return greater(scale(a, -1), bound == 0 ? 0 : -bound);
  }

  /**
   * One where two values are equal, else zero.
   *
   * @param a a value
   * @param b a value of the same rank, extents of one broadcast
   * @return ones and zeros of {@code type}
   * @param type the data type of the result
   */
  public Tensor equal(Tensor a, Tensor b, DataType type) {
    Tensor equal =
        op(
            List.of("equal"),
            broadcastDims(a, b),
            DataType.BOOL,
            false,
            List.of(a, b),
            () -> graph.eq(a.variable(), b.variable()));
    return cast(equal, type).knownNonNegative();
  }

  /**
   * The value in another data type.
   *
   * @param a the value
   * @param type the data type
   * @return the cast value
   */
  public Tensor cast(Tensor a, DataType type) {
    if (a.type() == type) {
      return a;
    }
    if (a.literal() != null) {
      return literal(a.literal(), type, a.dims());
    }
    return make(
        List.of("cast", id(a), type),
        () -> a.variable().castTo(type),
        v -> new Tensor(v, a.dims(), type, a.fromSamples(), a.nonNegative(), null));
  }

  Tensor binary(String name, Tensor a, Tensor b, boolean nonNegative, Supplier<SDVariable> op) {
    return make(
        List.of(name, id(a), id(b)), op, v -> like(v, broadcastDims(a, b), nonNegative, a, b));
  }

  private static Dims broadcastDims(Tensor a, Tensor b) {
    if (a.rank() == 0) {
      return b.dims();
    }
    if (b.rank() == 0) {
      return a.dims();
    }
    if (a.rank() != b.rank()) {
      throw new IllegalStateException("ranks differ: " + a + " and " + b);
    }
    List<Dim> dims = new ArrayList<>();
    for (int k = 0; k < a.rank(); k++) {
      Dim x = a.dims().get(k);
      Dim y = b.dims().get(k);
      if (!x.equals(y) && !x.isOne() && !y.isOne()) {
        throw new IllegalStateException("shapes do not fit: " + a + " and " + b);
      }
      dims.add(x.isOne() ? y : x);
    }
    return new Dims(dims);
  }
}
