package org.backpack4j.samediff.loss;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.autodiff.loss.LossReduce;

/**
 * A loss op of ND4J with the inputs predictions, weights and labels, and one of its reductions: L =
 * Σ c ℓ, the terms ℓ functions of predictions and labels, c as {@link LossScale} has it.
 */
abstract class ReducedLoss implements LossRule {
  private static final int WEIGHTS = 1;
  private static final int LABELS = 2;

  /** The shape of all terms, in the predictions' layout. */
  abstract Dims terms(Site site);

  /** The terms ℓ, [N, 1, E…]. */
  abstract Tensor values(Site site);

  /**
   * The derivative of the terms with respect to their predictions, or to their labels.
   *
   * @param input 0 or 2
   * @return [N, 1, F…]
   */
  abstract Tensor derivative(Site site, int input);

  @Override
  public boolean couples(Site site, int input) {
    return input == WEIGHTS && LossScale.reduction(site) == LossReduce.MEAN_BY_WEIGHT;
  }

  /** Whether the terms are functions of predictions minus labels. */
  boolean ofDifference() {
    return false;
  }

  /** A factor for each term as one for each prediction: [N, V, E…] to the rank of [N, V, F…]. */
  Tensor toPredictions(Site site, Tensor c) {
    return c;
  }

  @Override
  public Set<Integer> predictions() {
    return ofDifference() ? Set.of(0, LABELS) : Set.of(0);
  }

  @Override
  public Placement place(Site site, int output) {
    boolean none = LossScale.reduction(site) == LossReduce.NONE;
    Placement place = site.placement(0);
    Placement labels = site.placement(LABELS);
    boolean fit =
        (!labels.hasSamples() || labels.equals(place)) && LossScale.samplesFit(site, terms(site));
    String mixing = fit ? null : "the loss compares predictions with labels or weights of others";
    Placement without = Placements.withoutAxis(site);
    if (without.kind() == Placement.Kind.SHARED) {
      return without;
    }
    if (!none || !place.hasSamples()) {
      return Placement.reduced(mixing);
    }
    Placement samples = Placement.samples(place.axis(), place.outer(), place.inner());
    return mixing == null ? samples : samples.mixing(mixing);
  }

  @Override
  public void check(Site site) {
    Placement place = site.placement(0);
    if (place.hasSamples() && place.axis() >= terms(site).rank()) {
      throw new Refused("the samples are on the class axis", "keep the classes on the last axis");
    }
    LossScale.check(site, terms(site));
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return site.type(input).isFPType();
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor above) {
    LossScale scale = new LossScale(site, terms(site));
    return input == WEIGHTS
        ? scale.byWeights(values(site), above)
        : site.emit().mul(derivative(site, input), toPredictions(site, scale.of(above)));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    if (active.contains(WEIGHTS) || (active.contains(LABELS) && !ofDifference())) {
      throw new Refused(
          "the labels or weights of the loss depend on a parameter",
          "use a loss of predictions minus labels, or make the labels constant");
    }
  }

  /** c [N or 1, 1, …], to multiply the predictions' Hessian by. */
  Tensor scale(Site site, Tensor above) {
    return toPredictions(site, new LossScale(site, terms(site)).of(above));
  }
}
