package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code prelu}: x, or α x if that is negative. α has an entry for each index of x but those of the
 * first and of the shared axes; its own shape may be any of that length. As in ND4J the derivative
 * at x = 0 is one.
 */
final class PreluRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.along(site, output);
  }

  @Override
  public void check(Site site) {
    if (site.placement(1).hasSamples()) {
      throw new Refused(
          "its slopes depend on the samples", "write it as relu(x) − alpha · relu(−x)");
    }
    if (!aligned(site).product().equals(site.dims(1).product())) {
      throw new Refused("its slopes differ along the sample axis", "share that axis");
    }
  }

  /** The shape of one sample's part of x, one where slopes are shared. */
  private static Dims aligned(Site site) {
    Dims dims = site.dims(0);
    long[] shared = site.node().iArgs();
    List<Dim> slopes = new ArrayList<>();
    for (int k = 0; k < dims.rank(); k++) {
      int axis = k;
      boolean once = k == 0 || Arrays.stream(shared).anyMatch(s -> s == axis);
      slopes.add(once ? Dim.ONE : dims.get(k));
    }
    Placement place = site.placement(0);
    if (place.hasSamples() && !place.folded()) {
      slopes.remove(place.axis());
    } else if (place.hasSamples()) {
      slopes.set(place.axis(), Dim.ONE);
    }
    return new Dims(slopes);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor x = site.value(0);
    Tensor negative = e.less(x, 0);
    if (input == 0) {
      Tensor rows = site.samplesFirst(1);
      Tensor alpha = e.reshape(rows, Dims.of(Dim.ONE, Dim.ONE).plus(aligned(site)));
      return e.mul(signal, e.plus(e.mul(negative, e.plus(alpha, -1)), 1));
    }
    Tensor sum = site.summed(e.mul(signal, e.mul(x, negative)), aligned(site));
    return e.reshape(sum, sum.dims().range(0, 2).plus(site.dims(1)));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return active.size() == 1;
  }

  @Override
  public String name() {
    return "prelu";
  }
}
