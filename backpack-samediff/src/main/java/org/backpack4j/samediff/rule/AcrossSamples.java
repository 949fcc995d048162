package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * An op that lets samples influence each other, where its own rule cannot pass that: the gradient
 * alone passes, all samples at once, by ND4J's gradient of the op. Rows of it are BackPACK's
 * convention for the gradient of a sample; second derivatives do not pass.
 */
final class AcrossSamples implements Rule {
  private final Rule apart;
  private final OwnGradient own = new OwnGradient(Placements::byShape);

  AcrossSamples(Rule apart) {
    this.apart = apart;
  }

  @Override
  public Placement place(Site site, int output) {
    return apart.place(site, output);
  }

  @Override
  public void check(Site site) {
    own.check(site);
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return apart.differentiable(site, input);
  }

  @Override
  public boolean passesMixing() {
    return true;
  }

  @Override
  public boolean keepsSamplesApart(Site site, int input) {
    return own.keepsSamplesApart(site, input);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    return own.pull(site, input, output, signal);
  }

  @Override
  public String name() {
    return own.name() + ", for the gradient alone";
  }
}
