package org.backpack4j.samediff.loss;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.autodiff.loss.LossReduce;

/** A loss op of ND4J with the inputs predictions, weights and labels, and one of its reductions. */
abstract class ReducedLoss implements LossRule {
  /** The shape of all terms, in the predictions' layout. */
  abstract Dims terms(Site site);

  @Override
  public Placement place(Site site, int output) {
    boolean none = site.node().iArg(0, 1) == LossReduce.NONE.ordinal();
    if (none) {
      return site.placement(0).hasSamples() ? site.placement(0) : Placements.withoutAxis(site);
    }
    Placement without = Placements.withoutAxis(site);
    return without.kind() == Placement.Kind.SHARED ? without : Placement.reduced(null);
  }

  @Override
  public void check(Site site) {
    if (!site.placement(0).hasSamples()) {
      throw new Refused(
          "the predictions of the loss have no sample axis",
          "let the predictions depend on the samples");
    }
    int axis = site.placement(0).axis();
    if (axis >= terms(site).rank()) {
      throw new Refused("the samples are on the class axis", "keep the classes on the last axis");
    }
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    if (active.contains(1) || active.contains(2)) {
      throw new Refused(
          "the labels or weights of the loss depend on a parameter",
          "use a loss of predictions minus labels, or make the labels constant");
    }
  }

  /** c [N or 1, 1, E…]. */
  Tensor scale(Site site, Tensor above) {
    return LossScale.of(site, terms(site), above);
  }
}
