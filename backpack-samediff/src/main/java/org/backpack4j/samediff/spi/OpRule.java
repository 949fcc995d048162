package org.backpack4j.samediff.spi;

import org.jspecify.annotations.Nullable;

/**
 * The derivative of one of ND4J's ops that the library has no rule for, or another one in the place
 * of the library's. It is given to the call, by {@link
 * org.backpack4j.samediff.BackPack.Builder#rules}, or found by {@link java.util.ServiceLoader} in
 * every call, if a file {@code META-INF/services/org.backpack4j.samediff.spi.OpRule} names its
 * class. What a call is given takes the place of what is found.
 *
 * <p>The op has to treat samples apart: what it makes of one must not depend on the others. A rule
 * has no state; one instance serves every node. {@link org.backpack4j.samediff.check.BruteForce}
 * compares what it gives with differences of the loss.
 */
public interface OpRule {
  /**
   * The op that the rule is for.
   *
   * @return ND4J's name, as {@code function.opName()} tells it
   */
  String op();

  /**
   * Whether the rule covers a node as it is configured. Asked before anything is inserted.
   *
   * @param node the node; only shapes and constants may be looked at
   * @throws UnsupportedOpException with the reason and what to do, if not
   */
  default void check(OpNode node) {}

  /**
   * Whether an output changes with an input by small steps. Indices and shapes have no derivative.
   *
   * @param node the node
   * @param input which input
   * @return false for an input that has none; by default true for those of a floating point type
   */
  default boolean differentiable(OpNode node, int input) {
    return node.type(input).isFPType();
  }

  /**
   * Applies the transposed Jacobian.
   *
   * @param node the node
   * @param input with respect to which input
   * @param output of which output
   * @param cotangent the cotangent at that output, [N, V, F…], or [1, V, F…] if it has no sample
   *     axis
   * @return the cotangent at the input, [N, V, F…]
   */
  Tensor vjp(OpNode node, int input, int output, Tensor cotangent);

  /**
   * Applies the Jacobian, for products with vectors and for what the op adds to Hessians before it.
   *
   * @param node the node
   * @param input with respect to which input
   * @param output of which output
   * @param tangent V directions at the input, [N, V, F…], or [1, V, F…], the same for all samples
   * @return the directions at the output, [N, V, F…], or [1, V, F…] if it has no sample axis
   */
  Tensor jvp(OpNode node, int input, int output, Tensor tangent);

  /** What is known of an op's second derivative. */
  enum SecondDerivative {
    /** It is zero: the op is linear in all its inputs together, or linear in pieces. */
    ZERO,
    /** Each entry of the output depends on the entry of input 0 at its place alone. */
    DIAGONAL,
    /** Nothing is known: Hessians are refused where the op stands in the way, GGNs are not. */
    UNKNOWN
  }

  /**
   * What is known of the second derivative.
   *
   * @param node the node
   * @return {@link SecondDerivative#UNKNOWN} unless a rule says more
   */
  default SecondDerivative secondDerivative(OpNode node) {
    return SecondDerivative.UNKNOWN;
  }

  /**
   * The second derivative of an op where it is {@link SecondDerivative#DIAGONAL}.
   *
   * @param node the node
   * @param output of which output
   * @return f″, [N, 1, F…]
   */
  default Tensor diagonal(OpNode node, int output) {
    throw new UnsupportedOperationException("no second derivative of " + op());
  }

  /** A derivative of an elementwise function. */
  @FunctionalInterface
  interface Derivative {
    /**
     * Emits it.
     *
     * @param emit where ops are inserted
     * @param x the argument, [N, 1, F…]
     * @param y the function's value there
     * @return the derivative there, of the same shape
     */
    Tensor at(Emitter emit, Tensor x, Tensor y);
  }

  /**
   * The rule of an elementwise function y = f(x) of the op's first input.
   *
   * @param op ND4J's name of the op
   * @param first f′
   * @param second f″; null for a function that is linear in pieces
   * @return the rule, of all quantities
   */
  static OpRule elementwise(String op, Derivative first, @Nullable Derivative second) {
    return new ElementwiseOpRule(op, first, second);
  }
}
