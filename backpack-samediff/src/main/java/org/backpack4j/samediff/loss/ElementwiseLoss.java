package org.backpack4j.samediff.loss;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A loss that is a sum of terms ℓ(z, y), one for each prediction z: gradient c ℓ'(z, y), Hessian
 * diag(c ℓ''(z, y)).
 */
public final class ElementwiseLoss extends ReducedLoss {
  /** A function of a prediction and its label, both [N, 1, F…]. */
  @FunctionalInterface
  public interface Term {
    /**
     * Emits the function.
     *
     * @param e where ops are inserted
     * @param z the predictions
     * @param y the labels
     * @param site the node, for its arguments
     * @return the value [N, 1, F…]
     */
    Tensor at(Emitter e, Tensor z, Tensor y, Site site);
  }

  /** Draws columns whose outer products have ℓ'' as their mean. */
  @FunctionalInterface
  public interface Sampler {
    /**
     * Emits a sample.
     *
     * @param e where ops are inserted
     * @param z the predictions [N, 1, F…]
     * @param noise uniform numbers, each [N, M, F…]
     * @return the sampled columns [N, M, F…]
     */
    Tensor draw(Emitter e, Tensor z, List<Tensor> noise);
  }

  private final String name;
  private final Term first;
  private final Term second;
  private final @Nullable Sampler sampler;
  private final int draws;

  ElementwiseLoss(String name, Term first, Term second, @Nullable Sampler sampler, int draws) {
    this.name = name;
    this.first = first;
    this.second = second;
    this.sampler = sampler;
    this.draws = draws;
  }

  @Override
  Dims terms(Site site) {
    return site.dims(0);
  }

  private static Tensor labels(Site site) {
    return site.emit().cast(site.value(2), site.type(0));
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0 || (input == 2 && name.equals("mean squared error"));
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor above) {
    Emitter e = site.emit();
    Tensor derivative = e.mul(first.at(e, site.value(0), labels(site), site), scale(site, above));
    return input == 0 ? derivative : e.scale(derivative, -1);
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor above, Set<Integer> active) {
    Emitter e = site.emit();
    Tensor d = e.mul(second.at(e, site.value(0), labels(site), site), scale(site, above));
    Dims part = site.perSample(0);
    Tensor full = e.broadcast(d, d.dims().range(0, 2).plus(part));
    SignedColumns columns =
        SignedColumns.diagonal(e, d.nonNegative() ? full.knownNonNegative() : full);
    return List.of(new Curvature(Map.of(0, columns.value()), columns.signs()));
  }

  @Override
  public List<Curvature> sampled(Site site, Tensor above, Tensor noise, int columns) {
    Emitter e = site.emit();
    Dims part = site.perSample(0);
    Tensor apart = e.reshape(noise, Dims.of(Dim.N, Dim.of(columns), Dim.of(draws)).plus(part));
    List<Tensor> numbers = new java.util.ArrayList<>();
    for (int k = 0; k < draws; k++) {
      numbers.add(
          e.reshape(e.slice(apart, 2, k, k + 1), Dims.of(Dim.N, Dim.of(columns)).plus(part)));
    }
    Tensor drawn = java.util.Objects.requireNonNull(sampler).draw(e, site.value(0), numbers);
    return List.of(SoftmaxFactor.weighted(e, drawn, e.scale(scale(site, above), 1.0 / columns)));
  }

  @Override
  public void checkSampling(Site site) {
    if (sampler == null) {
      throw new Refused(
          name + " is no negative log-likelihood to draw labels from",
          "ask for the exact quantity");
    }
  }

  @Override
  public long draws(Site site) {
    return draws * site.perSample(0).product().size();
  }

  @Override
  public String name() {
    return name;
  }
}
