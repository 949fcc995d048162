package org.backpack4j.samediff.rule;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code cumsum}: yⱼ is the sum of all xᵢ up to j, or from j on, with or without j itself. The
 * transposed Jacobian adds up from the other side: x̄ᵢ = Σ over j that xᵢ went into. M2.1's own
 * gradient is wrong where j is left out or the sum runs backwards.
 */
final class CumulativeSumRule implements Rule {
  /** The axes of a cumulative op, in the order in which it runs along them. */
  static int[] axes(Site site) {
    int rank = site.dims(0).rank();
    long[] given = Arrays.stream(site.node().iArgs()).skip(2).toArray();
    if (site.inputs() > 1) {
      if (site.constant(1) == null) {
        throw new Refused("the axis of " + site.node() + " is computed", "give it as a constant");
      }
      given = site.constant(1).toLongVector();
    }
    int[] axes =
        Arrays.stream(given)
            .mapToInt(k -> (int) (k < 0 ? k + rank : k))
            .distinct()
            .sorted()
            .toArray();
    return axes.length > 0 ? axes : java.util.stream.IntStream.range(0, rank).toArray();
  }

  /** The same axes of a signal; the op must not run over the samples. */
  static int[] signalAxes(Site site) {
    return Arrays.stream(axes(site)).map(k -> 2 + site.placement(0).perSampleAxis(k)).toArray();
  }

  static boolean exclusive(Site site) {
    return site.node().iArg(0, 0) == 1;
  }

  static boolean reverse(Site site) {
    return site.node().iArg(1, 0) == 1;
  }

  @Override
  public Placement place(Site site, int output) {
    return Placements.along(site, output, axes(site));
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    boolean exclusive = exclusive(site);
    boolean reverse = !reverse(site);
    Rows rows = Rows.of(e, signal, signalAxes(site));
    Tensor value = rows.value();
    Tensor sums =
        e.op(
            List.of("cumsum", exclusive, reverse),
            value.dims(),
            value.type(),
            value.nonNegative(),
            List.of(value),
            () -> e.graph().cumsum(value.variable(), exclusive, reverse, 2));
    return rows.back(sums);
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "cumulative sum";
  }
}
