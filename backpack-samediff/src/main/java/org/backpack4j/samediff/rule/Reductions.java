package org.backpack4j.samediff.rule;

import java.util.Arrays;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What reductions have in common: their axes, and signals spread over what was reduced. */
final class Reductions {
  private Reductions() {}

  /** The reduced axes of the input, in ascending order. */
  static int[] axes(Site site) {
    int rank = site.dims(0).rank();
    if (site.inputs() > 1) {
      INDArray given = site.constant(1);
      if (given == null) {
        throw new Refused(
            "the axes of " + site.node() + " are computed", "give them as a constant");
      }
      return given.isEmpty()
          ? new int[0]
          : Arrays.stream(given.toLongVector())
              .mapToInt(k -> (int) (k < 0 ? k + rank : k))
              .sorted()
              .toArray();
    }
    return site.node().axes(rank);
  }

  static Placement place(Site site, int output) {
    Placement place = site.placement(0);
    if (!place.hasSamples()) {
      return Placements.withoutAxis(site);
    }
    int[] axes = axes(site);
    if (Arrays.stream(axes).anyMatch(k -> k == place.axis())) {
      return Placement.reduced(site.node().op() + " runs over the sample axis");
    }
    long before = Arrays.stream(axes).filter(k -> k < place.axis()).count();
    int axis = site.node().keepsAxes() ? place.axis() : (int) (place.axis() - before);
    return Placement.samples(axis, place.outer(), place.inner());
  }

  /**
   * The signal at the output with ones where axes of the input were reduced: [N or 1, V, F with
   * ones].
   */
  static Tensor spread(Site site, Tensor signal) {
    return site.emit().reshape(signal, signal.dims().range(0, 2).plus(reduced(site)));
  }

  /** The per-sample shape of the input with ones where it is reduced. */
  static Dims reduced(Site site) {
    Placement place = site.placement(0);
    Dims dims = site.dims(0);
    Dims kept = Dims.SCALAR;
    int[] axes = axes(site);
    for (int k = 0; k < dims.rank(); k++) {
      int axis = k;
      if (place.hasSamples() && k == place.axis() && !place.folded()) {
        continue;
      }
      boolean gone = Arrays.stream(axes).anyMatch(a -> a == axis);
      Dim dim = place.perSample(dims).get(place.perSampleAxis(k));
      kept = kept.plus(gone ? Dim.ONE : dim);
    }
    return kept;
  }

  /** One over the number of entries that go into one result, as a value of ones' shape. */
  static Tensor inverseCount(Site site, int rank) {
    Emitter e = site.emit();
    Dims dims = site.dims(0);
    Dim count = Dim.ONE;
    for (int axis : axes(site)) {
      count = count.times(dims.get(axis));
    }
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < rank; k++) {
      ones = ones.plus(Dim.ONE);
    }
    Tensor factor = e.literal(1.0 / count.size(), site.type(0), ones);
    if (!count.samples()) {
      return factor;
    }
    Tensor n = e.reshape(e.sum(e.onesOverSamples(site.type(0)), 0, 1), ones);
    return e.div(factor, n);
  }
}
