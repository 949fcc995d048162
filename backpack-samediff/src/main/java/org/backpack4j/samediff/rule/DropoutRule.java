package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * Dropout that drops something, which is refused as all that draws random numbers is. One that
 * keeps everything is an identity before rules are asked.
 */
final class DropoutRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.along(site, output);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    throw new UnsupportedOperationException(site.node().toString());
  }

  @Override
  public String name() {
    return "-";
  }
}
