package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code mergeadd}, {@code mergeavg} and {@code mergemax}: the sum, mean or maximum, entry by
 * entry, of any number of values of one shape. Where several are the maximum, the first takes the
 * signal, as in ND4J.
 */
final class MergeRule implements Rule {
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
  public Placement place(Site site, int output) {
    return Placements.broadcast(site, output);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    return switch (kind) {
      case SUM -> signal;
      case MEAN -> e.scale(signal, 1.0 / site.inputs());
      case MAXIMUM -> e.mul(signal, first(site, input));
    };
  }

  /** One where an input is the maximum and none before it is. */
  private static Tensor first(Site site, int input) {
    Emitter e = site.emit();
    Tensor first = highest(site, input);
    for (int k = 0; k < input; k++) {
      first = e.mul(first, e.minus(1, highest(site, k)));
    }
    return first;
  }

  private static Tensor highest(Site site, int input) {
    Emitter e = site.emit();
    return e.minus(1, e.greater(e.sub(site.outputValue(0), site.value(input)), 0));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "merge";
  }
}
