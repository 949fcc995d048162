package org.backpack4j.samediff.loss;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code softmax_cross_entropy_loss_with_logits}: {@link Softmax} over any axis of logits and
 * labels, which is gone in the result.
 */
final class UnreducedSoftmaxCrossEntropy implements LossRule {
  private static final int LABELS = 1;

  private static int classes(Site site) {
    int rank = site.dims(0).rank();
    int axis = (int) site.node().iArg(0, rank - 1);
    return axis < 0 ? axis + rank : axis;
  }

  @Override
  public Placement place(Site site, int output) {
    Placement place = site.placement(0);
    if (!place.hasSamples()) {
      return Placements.withoutAxis(site);
    }
    if (place.axis() == classes(site)) {
      return Placement.reduced("the samples are on the class axis");
    }
    int axis = place.axis() > classes(site) ? place.axis() - 1 : place.axis();
    Placement here = Placement.samples(axis, place.outer(), place.inner());
    Placement labels = site.placement(LABELS);
    return !labels.hasSamples() || labels.equals(place)
        ? here
        : here.mixing("the loss compares logits with labels of others");
  }

  /** The classes' axis in [N, V, F…]. */
  private static int axis(Site site) {
    return 2 + site.placement(0).perSampleAxis(classes(site));
  }

  private static Tensor classesLast(Site site, Tensor t) {
    int axis = axis(site);
    int last = t.rank() - 1;
    return site.emit()
        .permute(
            t,
            IntStream.rangeClosed(0, last)
                .map(k -> k < axis ? k : k == last ? axis : k + 1)
                .toArray());
  }

  private static Tensor classesBack(Site site, Tensor t) {
    int axis = axis(site);
    int last = t.rank() - 1;
    return site.emit()
        .permute(
            t,
            IntStream.rangeClosed(0, last)
                .map(k -> k < axis ? k : k == axis ? last : k - 1)
                .toArray());
  }

  private static Softmax softmax(Site site) {
    Emitter e = site.emit();
    Tensor y = e.cast(site.value(LABELS), site.type(0));
    return new Softmax(e, classesLast(site, site.value(0)), classesLast(site, y));
  }

  private static Tensor rows(Site site, Tensor above) {
    return site.emit().reshape(above, above.dims().plus(Dim.ONE));
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return site.type(input).isFPType();
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor above) {
    Softmax softmax = softmax(site);
    Tensor derivative = input == 0 ? softmax.gradient() : softmax.surprise();
    return classesBack(site, site.emit().mul(derivative, rows(site, above)));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    if (active.contains(LABELS)) {
      throw new Refused("the labels of the loss depend on a parameter", "make them constant");
    }
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor above, Set<Integer> active) {
    return back(site, softmax(site).columns(rows(site, above)));
  }

  private static List<Curvature> back(Site site, List<SignedColumns> groups) {
    return groups.stream()
        .map(c -> new Curvature(Map.of(0, c.columns().then(t -> classesBack(site, t))), c.signs()))
        .toList();
  }

  @Override
  public List<Curvature> sampled(Site site, Tensor above, Tensor noise, int columns) {
    return back(site, softmax(site).sampled(rows(site, above), noise, columns));
  }

  @Override
  public long draws(Site site) {
    return site.outputPerSample(0).product().size();
  }

  @Override
  public String name() {
    return "softmax cross-entropy";
  }
}
