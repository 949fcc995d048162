package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.Rearranged;
import org.backpack4j.samediff.contribution.View;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/** Ops that keep all entries in their order: reshape, squeeze, expand_dims, flatten, identity. */
final class ReshapeRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.sameOrder(site, output);
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    return site.emit().reshape(signal, signal.dims().range(0, 2).plus(site.perSample(0)));
  }

  @Override
  public View view(Site site) {
    return Rearranged.reshaped(site.emit(), site.dims(0));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "reshape";
  }
}
