package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.spi.Tensor;

/**
 * An op whose Jacobians with respect to its inputs are symmetric matrices: diagonal ones, where
 * every entry of a result depends on the entry at the same place, or those of a softmax. Tangents
 * pass it as cotangents do.
 */
interface SymmetricRule extends Rule {
  @Override
  default Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return vjp(context, input, output, tangent);
  }
}
