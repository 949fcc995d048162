package org.backpack4j.samediff.rule;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.reduce3.BaseReduce3Op;

/** What reductions have in common: their axes, and signals spread over what was reduced. */
final class Reductions {
  private Reductions() {}

  /** The reduced axes of the input, in ascending order. */
  static int[] axes(Site site) {
    int rank = site.dims(0).rank();
    if (site.inputs() > 1 && !(site.node().function() instanceof BaseReduce3Op)) {
      INDArray given = site.constant(1);
      if (given == null) {
        throw new Refused(
            "the axes of " + site.node() + " are computed", "give them as a constant");
      }
      return given.isEmpty() ? new int[0] : normal(given.toLongVector(), rank);
    }
    return site.node().legacy() ? site.node().axes(rank) : ofCustomOp(site, rank);
  }

  /** A custom op has its axes as whole numbers; none stands for all. */
  private static int[] ofCustomOp(Site site, int rank) {
    int[] axes = normal(site.node().iArgs(), rank);
    return axes.length == 0 ? IntStream.range(0, rank).toArray() : axes;
  }

  private static int[] normal(long[] axes, int rank) {
    return Arrays.stream(axes).mapToInt(k -> (int) (k < 0 ? k + rank : k)).sorted().toArray();
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
    boolean kept = site.outputDims(output).rank() == site.dims(0).rank();
    int axis = kept ? place.axis() : (int) (place.axis() - before);
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

  /**
   * The sums of values [N, 1, F…] over what the reduction runs over, with ones in place of these
   * axes: [N, 1, F with ones], or [1, 1, …] where it runs over the samples.
   */
  static Tensor totals(Site site, Tensor values) {
    Emitter e = site.emit();
    Dims lead = values.dims().range(0, 2);
    Dims target = reduced(site);
    Tensor sum = values;
    for (int k = target.rank() - 1; k >= 0; k--) {
      if (target.get(k).isOne() && !sum.dims().get(k + 2).isOne()) {
        Dims kept = sum.dims().with(k + 2, Dim.ONE);
        sum = e.reshape(e.sum(sum, k + 2, k + 3), kept);
      }
    }
    Placement place = site.placement(0);
    boolean overSamples =
        place.hasSamples() && Arrays.stream(axes(site)).anyMatch(k -> k == place.axis());
    Dims ones = Dims.of(Dim.ONE, Dim.ONE).plus(target);
    return overSamples ? e.reshape(e.sumOverSamples(sum), ones) : e.reshape(sum, lead.plus(target));
  }

  /** The output in the arrangement of the input: [N or 1, 1, F with ones]. */
  static Tensor result(Site site, int output) {
    return spread(site, site.outputValue(output));
  }

  /** One over the number of entries that go into one result, as a value of ones' shape. */
  static Tensor inverseCount(Site site, int rank) {
    return inverseCount(site, rank, 0);
  }

  /** One over the number of entries that go into one result, less a few. */
  static Tensor inverseCount(Site site, int rank, int less) {
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
    if (!count.samples()) {
      return e.literal(1.0 / (count.size() - less), site.type(0), ones);
    }
    Tensor n = e.reshape(e.sum(e.onesOverSamples(site.type(0)), 0, 1), ones);
    return e.div(e.literal(1, site.type(0), ones), e.plus(e.scale(n, count.size()), -less));
  }
}
