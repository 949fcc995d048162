package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.indexing.conditions.Conditions.ConditionMode;

/**
 * {@code cas} and {@code car}, SameDiff's {@code replaceWhere}: x, or where a condition on x holds
 * a number or the second input's entry.
 */
final class ReplaceRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.broadcast(site, output);
  }

  @Override
  public void check(Site site) {
    switch (mode(site)) {
      case LESS_THAN,
          GREATER_THAN,
          LESS_THAN_OR_EQUAL,
          GREATER_THAN_OR_EQUAL,
          ABS_LESS_THAN,
          ABS_GREATER_THAN,
          ABS_LESS_THAN_OR_EQUAL,
          ABS_GREATER_OR_EQUAL -> {}
      default ->
          throw new Refused(
              "its condition " + mode(site) + " is not supported",
              "compare and select by sd.where");
    }
  }

  /** The op's arguments are the bound, the number to set, a tolerance and the kind of condition. */
  private static double argument(Site site, int index) {
    Object[] arguments = site.node().function() instanceof Op op ? op.extraArgs() : null;
    if (arguments == null || !(arguments[index] instanceof Number number)) {
      throw new Refused("its condition is not known", "compare and select by sd.where");
    }
    return number.doubleValue();
  }

  private static ConditionMode mode(Site site) {
    return ConditionMode.fromNumber((int) argument(site, 3));
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor replaced = replaced(site, e, site.value(0), argument(site, 0));
    return e.mul(signal, input == 0 ? e.minus(1, replaced) : replaced);
  }

  private static Tensor replaced(Site site, Emitter e, Tensor x, double bound) {
    return switch (mode(site)) {
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
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "replace";
  }
}
