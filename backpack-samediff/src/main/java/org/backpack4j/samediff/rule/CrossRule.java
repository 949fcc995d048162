package org.backpack4j.samediff.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code cross}, a × b along the last axis: with a signal s, ā = b × s and b̄ = s × a. ND4J's own
 * gradient has the wrong sign.
 */
final class CrossRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    Placement place = Placements.broadcast(site, output);
    return place.hasSamples() && place.axis() == site.outputDims(output).rank() - 1
        ? place.mixing("the samples are the components of the vectors")
        : place;
  }

  @Override
  public void check(Site site) {
    if (!site.dims(0).equals(site.dims(1))) {
      throw new Refused("its inputs have different shapes", "bring them to the same shape");
    }
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Tensor other = site.aligned(1 - input, output);
    return site.unaligned(
        input,
        output,
        input == 0 ? cross(site.emit(), other, signal) : cross(site.emit(), signal, other));
  }

  private static Tensor cross(Emitter e, Tensor a, Tensor b) {
    Dims dims = e.mul(a, b).dims();
    Tensor first = e.broadcast(a, dims);
    Tensor second = e.broadcast(b, dims);
    return e.op(
        List.of("cross"),
        dims,
        first.type(),
        false,
        List.of(first, second),
        () -> e.graph().math().cross(first.variable(), second.variable()));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return active.size() == 1 && !site.node().inputs().get(0).equals(site.node().inputs().get(1));
  }

  @Override
  public String name() {
    return "cross product";
  }
}
