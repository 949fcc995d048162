package org.backpack4j.samediff.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code sparse_softmax_cross_entropy_loss_with_logits}: {@link Softmax} over the last axis of the
 * logits [N, …, C], the second input, for labels that are numbers of classes [N, …], the first; one
 * result for each label.
 */
final class SparseSoftmaxCrossEntropy implements LossRule {
  private static final int LABELS = 0;
  private static final int LOGITS = 1;

  @Override
  public Set<Integer> predictions() {
    return Set.of(LOGITS);
  }

  @Override
  public Placement place(Site site, int output) {
    Placement place = site.placement(LOGITS);
    if (!place.hasSamples()) {
      return Placements.withoutAxis(site);
    }
    if (place.axis() == site.dims(LOGITS).rank() - 1) {
      return Placement.reduced("the samples are on the class axis");
    }
    Placement labels = site.placement(LABELS);
    Placement here = Placement.samples(place.axis(), place.outer(), place.inner());
    return !labels.hasSamples() || labels.equals(here)
        ? here
        : here.mixing("the loss compares logits with labels of others");
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == LOGITS;
  }

  private static Softmax softmax(Site site) {
    Emitter e = site.emit();
    Tensor z = site.value(LOGITS);
    Tensor labels = site.value(LABELS);
    long classes = z.dims().get(-1).size();
    Tensor hot = e.oneHot(labels, classes, z.type());
    return new Softmax(e, z, hot);
  }

  /** What comes from above as a weight of each row of classes. */
  private static Tensor rows(Site site, Tensor above) {
    return site.emit().reshape(above, above.dims().plus(Dim.ONE));
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor above) {
    return site.emit().mul(softmax(site).gradient(), rows(site, above));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {}

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor above, Set<Integer> active) {
    return Curvature.all(LOGITS, softmax(site).columns(rows(site, above)));
  }

  @Override
  public List<Curvature> sampled(Site site, Tensor above, Tensor noise, int columns) {
    return Curvature.all(LOGITS, softmax(site).sampled(rows(site, above), noise, columns));
  }

  @Override
  public long draws(Site site) {
    return site.outputPerSample(0).product().size();
  }

  @Override
  public String name() {
    return "sparse softmax cross-entropy";
  }
}
