package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Recurrent;
import org.backpack4j.samediff.graph.Tensor;

/** Recurrent layers, which are written out step by step: those that are left could not be. */
final class RecurrentRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.byShape(site, output);
  }

  @Override
  public void check(Site site) {
    throw new Refused(
        Recurrent.obstacle(site.node())
            .orElse("its steps or features grow with the number of samples"),
        "give the input a fixed number of steps, its samples where the format has them (see"
            + " sampleAxis), or write the steps out of matrix products");
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    throw new UnsupportedOperationException(site.node().toString());
  }

  @Override
  public String name() {
    return "steps";
  }
}
