package org.backpack4j.samediff.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code weighted_cross_entropy_with_logits} of targets t, logits z and weights w of the positive
 * targets (one, or one for each entry of the last axis), a result for each entry: ℓ = (1 − t) z +
 * (1 + (w − 1) t) log(1 + exp(−z)).
 */
final class WeightedCrossEntropy implements LossRule {
  private static final int TARGETS = 0;
  private static final int LOGITS = 1;
  private static final int WEIGHTS = 2;

  @Override
  public Set<Integer> predictions() {
    return Set.of(LOGITS);
  }

  @Override
  public Placement place(Site site, int output) {
    return Placements.broadcast(site, output);
  }

  private static Tensor aligned(Site site, int input) {
    return site.emit().cast(site.aligned(input, 0), site.type(LOGITS));
  }

  /** 1 + (w − 1) t. */
  private static Tensor factor(Site site) {
    Emitter e = site.emit();
    return e.plus(e.mul(e.plus(aligned(site, WEIGHTS), -1), aligned(site, TARGETS)), 1);
  }

  /** −z. */
  private static Tensor negative(Site site) {
    return site.emit().scale(aligned(site, LOGITS), -1);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor above) {
    Emitter e = site.emit();
    Tensor negative = negative(site);
    Tensor derivative =
        switch (input) {
          case TARGETS ->
              e.add(
                  negative,
                  e.mul(e.plus(aligned(site, WEIGHTS), -1), Losses.softplus(e, negative)));
          case LOGITS ->
              e.sub(
                  e.minus(1, aligned(site, TARGETS)),
                  e.mul(factor(site), Losses.sigmoid(e, negative)));
          default -> e.mul(aligned(site, TARGETS), Losses.softplus(e, negative));
        };
    return site.unaligned(input, output, e.mul(above, derivative));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    if (!active.equals(Set.of(LOGITS))) {
      throw new Refused(
          "the targets or weights of the loss depend on a parameter",
          "make them constant (the op reads targets, logits, weights in this order; M2.1's class"
              + " WeightedCrossEntropyLoss hands them over in another)");
    }
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor above, Set<Integer> active) {
    Emitter e = site.emit();
    Tensor z = aligned(site, LOGITS);
    Tensor p = e.mul(Losses.sigmoid(e, z), Losses.sigmoid(e, negative(site)));
    Tensor d = e.mul(e.mul(above, factor(site)), p);
    Dims full = Dims.of(d.dims().get(0), Dim.ONE).plus(site.perSample(LOGITS));
    return List.of(Curvature.at(LOGITS, SignedColumns.diagonal(e, e.broadcast(d, full))));
  }

  @Override
  public String name() {
    return "weighted cross-entropy";
  }
}
