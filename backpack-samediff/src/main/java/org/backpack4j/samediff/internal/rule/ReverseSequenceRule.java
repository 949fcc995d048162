package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.backpack4j.samediff.spi.View;
import org.jspecify.annotations.Nullable;

/**
 * {@code reverse_sequence}: the first so many entries of each sequence in reverse order. It is a
 * movement of entries where the lengths are known beforehand. Where each sample brings its own, the
 * op undoes itself: ND4J's gradient is the op once more.
 */
final class ReverseSequenceRule implements Rule {
  private final Rule movement = MovementRule.of("reverse", 0);
  private final Rule own = new OwnGradient((context, output) -> context.batchAxis(0));

  private Rule by(NodeContext context) {
    return context.settled(1, GraphShapes.FEW) != null ? movement : own;
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    Rule rule = by(context);
    if (rule == own && !lengthForEachSample(context)) {
      throw new UnsupportedOpException(
          "the lengths of its sequences are computed, but not one for each sample",
          "give them as a constant, or one for each sample");
    }
    return rule.batchAxis(context, output);
  }

  private static boolean lengthForEachSample(NodeContext context) {
    BatchAxis values = context.batchAxis(0);
    BatchAxis lengths = context.batchAxis(1);
    boolean folded = values.folded() || lengths.folded();
    return values.hasSamples()
        && lengths.hasSamples()
        && !folded
        && values.axis() == context.node().iArg(1, 0);
  }

  @Override
  public void check(NodeContext context) {
    by(context).check(context);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return by(context).vjp(context, input, output, cotangent);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Rule rule = by(context);
    // a permutation that undoes itself is symmetric
    return rule == movement
        ? rule.jvp(context, input, output, tangent)
        : rule.vjp(context, input, output, tangent);
  }

  @Override
  public @Nullable View view(NodeContext context, int input, int output) {
    return by(context).view(context, input, output);
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "reverse";
  }
}
