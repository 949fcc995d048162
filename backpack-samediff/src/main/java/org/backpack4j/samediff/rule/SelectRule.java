package org.backpack4j.samediff.rule;

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
 * {@code Where} and {@code select}: a where a condition holds, else b. The signal goes to the one
 * that was taken; the condition has no derivative. It has the shape of a and b, or an entry for
 * each index of their first axis.
 */
final class SelectRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    if (site.inputs() < 3) {
      return Placements.byShape(site, output);
    }
    Placement place = site.placement(site.placement(1).hasSamples() ? 1 : 2);
    if (!place.hasSamples()) {
      return Placements.withoutAxis(site);
    }
    Placement condition = site.placement(0);
    int axis = sameShape(site) ? condition.axis() : 0;
    boolean apart =
        condition.hasSamples()
            && !Placement.samples(axis, condition.outer(), condition.inner()).equals(place);
    return apart ? place.mixing("its inputs have their samples on different axes") : place;
  }

  private static boolean sameShape(Site site) {
    return site.dims(0).equals(site.dims(1));
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return site.inputs() == 3 && input > 0;
  }

  @Override
  public void check(Site site) {
    if (site.placement(0).hasSamples() && !site.outputPlacement(0).hasSamples()) {
      throw new Refused(
          "its condition depends on the samples, its values do not",
          "repeat the values for each sample");
    }
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor taken = e.cast(condition(site), signal.type());
    return e.mul(signal, input == 1 ? taken : e.minus(1, taken));
  }

  /** The condition in the arrangement of signals, with ones where it is broadcast. */
  private static Tensor condition(Site site) {
    Tensor rows = site.samplesFirst(0);
    Dims lead = Dims.of(rows.dims().get(0), Dim.ONE);
    if (sameShape(site)) {
      return site.emit().reshape(rows, lead.plus(site.perSample(0)));
    }
    Dims entries = Dims.of(site.perSample(0).product()); // of one sample
    Placement place = site.outputPlacement(0);
    boolean dropped = place.hasSamples() && place.axis() == 0 && !place.folded();
    int rank = site.outputPerSample(0).rank();
    Dims aligned = dropped ? Dims.ones(rank) : entries.plus(Dims.ones(rank - 1));
    return site.emit().reshape(rows, lead.plus(aligned));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "select";
  }
}
