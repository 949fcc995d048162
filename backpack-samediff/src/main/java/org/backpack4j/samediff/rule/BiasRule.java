package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/** {@code biasadd}: a bias for each channel, on axis 1 or on the last one. */
final class BiasRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return site.placement(0).hasSamples()
        ? site.placement(0)
        : org.backpack4j.samediff.backprop.Placements.withoutAxis(site);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    if (input == 0) {
      return signal;
    }
    boolean channelsFirst = site.node().bArg(0, false);
    Placement place = site.placement(0);
    int channel = 2 + place.perSampleAxis(channelsFirst ? 1 : site.dims(0).rank() - 1);
    return channelSums(site.emit(), signal, channel);
  }

  /** Sums everything behind [N, V] but one axis. */
  static Tensor channelSums(Emitter e, Tensor signal, int channel) {
    Dim channels = signal.dims().get(channel);
    Dims lead = signal.dims().range(0, 2);
    Tensor behind = e.sum(signal, channel + 1, signal.rank());
    return e.reshape(e.sum(behind, 2, channel), lead.plus(channels));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "bias";
  }
}
