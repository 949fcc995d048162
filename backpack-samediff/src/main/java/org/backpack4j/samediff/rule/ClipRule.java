package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * {@code ClipByValue}: a signal passes strictly between the bounds, which are arguments or constant
 * inputs.
 */
final class ClipRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Placements.along(site, output);
  }

  @Override
  public void check(Site site) {
    for (int k = 1; k < site.inputs(); k++) {
      INDArray bound = site.constant(k);
      if (bound == null || bound.length() != 1) {
        throw new Refused(
            "its bounds are computed", "give them as numbers, or clip with max and min");
      }
    }
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  private static double bound(Site site, int which) {
    INDArray given = site.inputs() > 1 ? site.constant(1 + which) : null;
    return given == null ? site.node().tArg(which, 0) : given.getDouble(0);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor x = site.value(0);
    return e.mul(signal, e.mul(e.greater(x, bound(site, 0)), e.less(x, bound(site, 1))));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "clip";
  }
}
