package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
 * {@code clipbynorm} and {@code clipbyavgnorm}: y = x min(1, c/‖x‖), the norm over some axes; the
 * latter divides it by the number of entries. A signal g becomes g where ‖x‖ ≤ c, else (g − x ⟨x,
 * g⟩/‖x‖²) c/‖x‖.
 */
final class ClipByNormRule implements Rule {
  private final boolean average;

  ClipByNormRule(boolean average) {
    this.average = average;
  }

  /** The axes of the norm; all of them if none is given. */
  private static int[] axes(Site site) {
    int rank = site.dims(0).rank();
    long[] given = site.node().iArgs();
    return given.length == 0
        ? java.util.stream.IntStream.range(0, rank).toArray()
        : Arrays.stream(given).mapToInt(k -> (int) (k < 0 ? k + rank : k)).toArray();
  }

  @Override
  public Placement place(Site site, int output) {
    return Placements.along(site, output, axes(site));
  }

  @Override
  public void check(Site site) {
    if (site.inputs() > 1) {
      throw new Refused("its bound is an input", "give the bound as a number");
    }
  }

  /** The shape of one sample's part of x, one along the axes of the norm. */
  private static Dims reduced(Site site) {
    Dims part = site.perSample(0);
    List<Dim> reduced = new ArrayList<>(part.list());
    for (int axis : axes(site)) {
      reduced.set(site.placement(0).perSampleAxis(axis), Dim.ONE);
    }
    return new Dims(reduced);
  }

  private double bound(Site site) {
    double bound = site.node().tArg(0, 0);
    if (!average) {
      return bound;
    }
    Dim entries = Dim.ONE;
    for (int axis : axes(site)) {
      entries = entries.times(site.dims(0).get(axis));
    }
    return bound * entries.size();
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    double bound = bound(site);
    Dims reduced = reduced(site);
    Tensor x = site.value(0);
    Tensor squared = site.summed(e.square(x), reduced);
    Tensor outside = e.greater(squared, bound * bound);
    Tensor inside = e.minus(1, outside);
    // 1/‖x‖² where that is needed, else finite
    Tensor inverse = e.reciprocal(e.add(e.mul(squared, outside), inside));
    Tensor factor = e.mul(outside, e.scale(e.sqrt(inverse.knownNonNegative()), bound));
    Tensor along = site.summed(e.mul(signal, x), reduced);
    Tensor radial = e.mul(e.mul(along, e.mul(factor, inverse)), x);
    return e.sub(e.mul(signal, e.add(factor, inside)), radial);
  }

  @Override
  public String name() {
    return "clip by norm";
  }
}
