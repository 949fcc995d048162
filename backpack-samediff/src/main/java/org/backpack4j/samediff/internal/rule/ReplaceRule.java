package org.backpack4j.samediff.internal.rule;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.indexing.conditions.Conditions.ConditionMode;

/**
 * {@code cas} and {@code car}, SameDiff's {@code replaceWhere}: x, or where a condition on x holds
 * a number or the second input's entry.
 */
final class ReplaceRule implements SymmetricRule {
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    if (context.inputs() > 1
        && !context.dims(1).product().isOne()
        && !context.dims(1).equals(context.dims(0))) {
      throw new UnsupportedOpException(
          "it takes its entries from an array of the shape "
              + context.dims(1)
              + " for one of the shape "
              + context.dims(0)
              + ", and M2.1 does not broadcast it but reads other memory",
          "bring both to one shape, by adding zeros of the other, say");
    }
    return BatchAxes.broadcast(context, output);
  }

  @Override
  public void check(NodeContext context) {
    switch (mode(context)) {
      case LESS_THAN,
          GREATER_THAN,
          LESS_THAN_OR_EQUAL,
          GREATER_THAN_OR_EQUAL,
          ABS_LESS_THAN,
          ABS_GREATER_THAN,
          ABS_LESS_THAN_OR_EQUAL,
          ABS_GREATER_OR_EQUAL -> {}
      default ->
          throw new UnsupportedOpException(
              "its condition " + mode(context) + " is not supported",
              "compare and select by sd.where");
    }
  }

  /** The op's arguments are the bound, the number to set, a tolerance and the kind of condition. */
  private static double argument(NodeContext context, int index) {
    Object[] arguments = context.node().function() instanceof Op op ? op.extraArgs() : null;
    if (arguments == null || !(arguments[index] instanceof Number number)) {
      throw new UnsupportedOpException(
          "its condition is not known", "compare and select by sd.where");
    }
    return number.doubleValue();
  }

  private static ConditionMode mode(NodeContext context) {
    return ConditionMode.fromNumber((int) argument(context, 3));
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor replaced = replaced(context, e, context.value(0), argument(context, 0));
    return e.mul(cotangent, input == 0 ? e.minus(1, replaced) : replaced);
  }

  private static Tensor replaced(NodeContext context, Emitter e, Tensor x, double bound) {
    return switch (mode(context)) {
      case LESS_THAN -> e.less(x, bound);
      case GREATER_THAN -> e.greater(x, bound);
      case LESS_THAN_OR_EQUAL -> e.minus(1, e.greater(x, bound));
      case GREATER_THAN_OR_EQUAL -> e.minus(1, e.less(x, bound));
      case ABS_LESS_THAN -> e.less(e.abs(x), bound);
      case ABS_GREATER_THAN -> e.greater(e.abs(x), bound);
      case ABS_LESS_THAN_OR_EQUAL -> e.minus(1, e.greater(e.abs(x), bound));
      default -> e.minus(1, e.less(e.abs(x), bound));
    };
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "replace";
  }
}
