package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/** {@code moments}: a mean, and a variance without correction of the bias. */
final class MomentsRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Reductions.place(site, output);
  }

  @Override
  public void check(Site site) {
    Reductions.axes(site);
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Group group = new Group(site, output);
    Tensor slope = output == 0 ? group.inverseCount(0) : ReducedFunctions.variance(group, 0);
    Dim samples = site.placement(0).hasSamples() ? Dim.N : signal.dims().get(0);
    return e.broadcast(
        e.mul(Reductions.spread(site, signal), slope),
        Dims.of(samples, signal.dims().get(1)).plus(site.perSample(0)));
  }

  @Override
  public boolean passesMixing() {
    return true;
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return false;
  }

  @Override
  public String name() {
    return "mean and variance";
  }
}
