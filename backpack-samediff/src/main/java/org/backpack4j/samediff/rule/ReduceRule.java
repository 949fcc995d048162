package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code reduce_sum} and {@code reduce_mean}: every entry gets the signal of the sum that it went
 * into.
 */
final class ReduceRule implements Rule {
  private final boolean mean;

  ReduceRule(boolean mean) {
    this.mean = mean;
  }

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
    Tensor spread = Reductions.spread(site, signal);
    Dims full =
        Dims.of(
            site.placement(0).hasSamples() ? Dim.N : spread.dims().get(0), spread.dims().get(1));
    Tensor all = site.emit().broadcast(spread, full.plus(site.perSample(0)));
    return mean ? site.emit().mul(all, Reductions.inverseCount(site, all.rank())) : all;
  }

  @Override
  public boolean passesMixing() {
    return true;
  }

  @Override
  public boolean pullsSampleBySample() {
    return true;
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return mean ? "mean" : "sum";
  }
}
