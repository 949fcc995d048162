package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/** {@code crelu}: relu(x) and, behind it on the last axis, relu(−x). */
final class ConcatenatedReluRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    Placement place = site.placement(0);
    if (place.hasSamples() && place.axis() == site.dims(0).rank() - 1) {
      throw new Refused(
          "it puts positive and negative parts beside each other on the sample axis",
          "keep the samples on another axis than the last one");
    }
    return Placements.along(site, output);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor x = site.value(0);
    int last = x.rank() - 1;
    long size = x.dims().get(last).size();
    Tensor positive = e.mul(e.slice(signal, last, 0, size), e.greater(x, 0));
    Tensor negative = e.mul(e.slice(signal, last, size, 2 * size), e.less(x, 0));
    return e.sub(positive, negative);
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "crelu";
  }
}
