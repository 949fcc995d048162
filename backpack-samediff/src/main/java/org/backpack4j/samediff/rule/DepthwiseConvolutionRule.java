package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Signal;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.Given;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/** {@code depthwise_conv2d}, in every weights and data format: see {@link Depthwise}. */
final class DepthwiseConvolutionRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Convolution.place(site, output);
  }

  @Override
  public void check(Site site) {
    Convolution.of(site);
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return !active.contains(0) || !active.contains(1);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Convolution c = Convolution.of(site);
    if (input == 1) {
      return contribution(site, 1, output, new Signal("", signal, null)).perSample();
    }
    if (input == 2) {
      return BiasRule.channelSums(e, signal, c.images().channel(signal));
    }
    Tensor result = new Depthwise(c).spread(e, c.images().channelsFirst(e, signal), c.kernel(site));
    return c.images().back(e, result, signal.dims().range(0, 2).plus(site.perSample(0)));
  }

  @Override
  public Contribution contribution(Site site, int input, int output, Signal signal) {
    if (input != 1) {
      return new Given(site.emit(), pull(site, input, output, signal.value()), signal.signs());
    }
    return new Depthwise(Convolution.of(site))
        .contribution(site, site.value(0), signal.value(), signal.signs());
  }

  @Override
  public String name() {
    return "depthwise convolution";
  }
}
