package org.backpack4j.samediff.rule;

import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.Rearranged;
import org.backpack4j.samediff.contribution.View;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code permute} and {@code transpose}: axes in another order. */
final class PermuteRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    Placement place = site.placement(0);
    if (!place.hasSamples()) {
      return Placements.withoutAxis(site);
    }
    int[] order = order(site);
    int axis =
        IntStream.range(0, order.length)
            .filter(k -> order[k] == place.axis())
            .findFirst()
            .orElseThrow();
    return Placement.samples(axis, place.outer(), place.inner());
  }

  /** For each axis of the output the input's axis. */
  private static int[] order(Site site) {
    int rank = site.dims(0).rank();
    long[] given = site.node().iArgs();
    if (site.inputs() > 1) {
      INDArray constant = site.constant(1);
      if (constant == null) {
        throw new Refused("the order of the axes is computed", "give it as a constant");
      }
      given = constant.toLongVector();
    }
    if (given.length == 0) {
      return IntStream.range(0, rank).map(k -> rank - 1 - k).toArray();
    }
    if (java.util.Arrays.stream(given).anyMatch(k -> k < 0)) {
      throw new Refused(
          "M2.1 does not permute by negative axes, it leaves the array as it is",
          "count the axes from the front");
    }
    return java.util.Arrays.stream(given).mapToInt(k -> (int) k).toArray();
  }

  @Override
  public void check(Site site) {
    order(site);
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    int[] order = order(site);
    Placement in = site.placement(0);
    Placement out = site.outputPlacement(0);
    int rank = signal.rank();
    int[] inverse = new int[rank];
    inverse[1] = 1;
    for (int k = 0; k < order.length; k++) {
      boolean dropped = in.hasSamples() && !in.folded() && order[k] == in.axis();
      if (!dropped) {
        inverse[2 + in.perSampleAxis(order[k])] = 2 + out.perSampleAxis(k);
      }
    }
    return site.emit().permute(signal, inverse);
  }

  @Override
  public View view(Site site) {
    return Rearranged.permuted(site.emit(), site.outputDims(0), order(site));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "permute";
  }
}
