package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/** An op without a rule. It may stand where no signal has to pass, as in the making of labels. */
final class Unknown implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.byShape(site, output);
  }

  @Override
  public void check(Site site) {
    throw new Refused(
        "there is no rule for " + site.node().op(),
        "write it with supported ops, or leave out the parameters before it");
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
