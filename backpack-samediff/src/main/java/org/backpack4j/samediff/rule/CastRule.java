package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/** {@code cast}: the signal is cast back. Through integers nothing passes. */
final class CastRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.along(site, output);
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return site.type(0).isFPType() && site.outputType(0).isFPType();
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    return site.emit().cast(signal, site.type(0));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "cast";
  }
}
