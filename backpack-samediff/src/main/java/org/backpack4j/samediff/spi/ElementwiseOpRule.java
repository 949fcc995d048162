package org.backpack4j.samediff.spi;

import org.jspecify.annotations.Nullable;

/**
 * An elementwise function y = f(x).
 *
 * @param op ND4J's name of the op
 * @param first f′
 * @param second f″; null for a function that is linear in pieces
 */
record ElementwiseOpRule(String op, Derivative first, @Nullable Derivative second)
    implements OpRule {
  @Override
  public boolean differentiable(OpNode node, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(OpNode node, int input, int output, Tensor cotangent) {
    Emitter e = node.emit();
    return e.mul(cotangent, first.at(e, node.value(0), node.outputValue(0)));
  }

  @Override
  public Tensor jvp(OpNode node, int input, int output, Tensor tangent) {
    return vjp(node, input, output, tangent); // the Jacobian is diagonal
  }

  @Override
  public SecondDerivative secondDerivative(OpNode node) {
    return second == null ? SecondDerivative.ZERO : SecondDerivative.DIAGONAL;
  }

  @Override
  public Tensor diagonal(OpNode node, int output) {
    if (second == null) {
      throw new UnsupportedOperationException("no second derivative of " + op);
    }
    return second.at(node.emit(), node.value(0), node.outputValue(0));
  }
}
