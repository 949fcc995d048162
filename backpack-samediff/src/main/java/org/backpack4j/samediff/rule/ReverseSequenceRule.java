package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.View;
import org.backpack4j.samediff.graph.GraphShapes;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * {@code reverse_sequence}: the first so many entries of each sequence in reverse order. It is a
 * movement of entries where the lengths are known beforehand. Where each sample brings its own, the
 * op undoes itself: ND4J's gradient is the op once more.
 */
final class ReverseSequenceRule implements Rule {
  private final Rule movement = MovementRule.of("reverse", 0);
  private final Rule own = new OwnGradient((site, output) -> site.placement(0));

  private Rule by(Site site) {
    return site.settled(1, GraphShapes.FEW) != null ? movement : own;
  }

  @Override
  public Placement place(Site site, int output) {
    Rule rule = by(site);
    if (rule == own && !lengthForEachSample(site)) {
      throw new Refused(
          "the lengths of its sequences are computed, but not one for each sample",
          "give them as a constant, or one for each sample");
    }
    return rule.place(site, output);
  }

  private static boolean lengthForEachSample(Site site) {
    Placement values = site.placement(0);
    Placement lengths = site.placement(1);
    boolean folded = values.folded() || lengths.folded();
    return values.hasSamples()
        && lengths.hasSamples()
        && !folded
        && values.axis() == site.node().iArg(1, 0);
  }

  @Override
  public void check(Site site) {
    by(site).check(site);
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    return by(site).pull(site, input, output, signal);
  }

  @Override
  public @Nullable View view(Site site, int input, int output) {
    return by(site).view(site, input, output);
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "reverse";
  }
}
