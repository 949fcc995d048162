package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code mergeadd}, {@code mergeavg} and {@code mergemax}: the sum, mean or maximum, entry by
 * entry, of any number of values of one shape. Where several are the maximum, the first takes the
 * cotangent, as in ND4J.
 */
final class MergeRule implements SymmetricRule {
  /** What becomes of the values. */
  enum Kind {
    SUM,
    MEAN,
    MAXIMUM
  }

  private final Kind kind;

  MergeRule(Kind kind) {
    this.kind = kind;
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.broadcast(context, output);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    return switch (kind) {
      case SUM -> cotangent;
      case MEAN -> e.scale(cotangent, 1.0 / context.inputs());
      case MAXIMUM -> e.mul(cotangent, first(context, input));
    };
  }

  /** One where an input is the maximum and none before it is. */
  private static Tensor first(NodeContext context, int input) {
    Emitter e = context.emit();
    Tensor first = highest(context, input);
    for (int k = 0; k < input; k++) {
      first = e.mul(first, e.minus(1, highest(context, k)));
    }
    return first;
  }

  private static Tensor highest(NodeContext context, int input) {
    Emitter e = context.emit();
    return e.minus(1, e.greater(e.sub(context.outputValue(0), context.value(input)), 0));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "merge";
  }
}
