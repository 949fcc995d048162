package org.backpack4j.samediff.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code softmax_cross_entropy_loss}: ℓ = −Σ y log p, p = softmax(z) over the last axis; labels
 * smoothed as (1 − s) y + s/C. Gradient c (p Σy − y); Hessian c Σy (diag p − ppᵀ), whatever the
 * rows of the labels add up to.
 */
public final class SoftmaxCrossEntropy extends ReducedLoss {
  /** The rule of {@code softmax_cross_entropy_loss}. */
  public SoftmaxCrossEntropy() {}

  @Override
  Dims terms(Site site) {
    Dims dims = site.dims(0);
    return dims.range(0, dims.rank() - 1);
  }

  private static Tensor labels(Site site) {
    Emitter e = site.emit();
    double smoothing = site.node().tArg(0, 0);
    Tensor y = e.cast(site.value(2), site.type(0));
    double classes = y.dims().get(-1).size();
    return e.plus(e.scale(y, 1 - smoothing), smoothing / classes);
  }

  /**
   * Σy, [N, 1, E…, 1]; labels of negative sum are no labels, and end in NaN, not in a number that
   * looks right.
   */
  private static Tensor mass(Site site) {
    Emitter e = site.emit();
    Tensor y = labels(site);
    Tensor sum = e.sum(y, y.rank() - 1, y.rank());
    return e.reshape(sum, sum.dims().plus(Dim.ONE)).knownNonNegative();
  }

  private Tensor scaleOfRows(Site site, Tensor above) {
    Tensor c = scale(site, above);
    return site.emit().reshape(c, c.dims().plus(Dim.ONE));
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor above) {
    Emitter e = site.emit();
    Tensor p = SoftmaxFactor.softmax(e, site.value(0));
    Tensor gradient = e.sub(e.mul(p, mass(site)), labels(site));
    return e.mul(gradient, scaleOfRows(site, above));
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor above, Set<Integer> active) {
    Emitter e = site.emit();
    if (site.dims(0).get(-1).size() == 1) {
      return List.of();
    }
    Tensor p = SoftmaxFactor.softmax(e, site.value(0));
    Tensor weight = e.mul(mass(site), scaleOfRows(site, above));
    return List.of(SoftmaxFactor.columns(e, p, weight));
  }

  @Override
  public List<Curvature> sampled(Site site, Tensor above, Tensor noise, int columns) {
    Emitter e = site.emit();
    Tensor p = SoftmaxFactor.softmax(e, site.value(0));
    Tensor weight = e.scale(e.mul(mass(site), scaleOfRows(site, above)), 1.0 / columns);
    Dims terms = p.dims().range(2, p.rank() - 1);
    Tensor u = e.reshape(noise, Dims.of(Dim.N, Dim.of(columns)).plus(terms).plus(Dim.ONE));
    Tensor drawn = e.sub(p, SoftmaxFactor.draw(e, p, u));
    return List.of(SoftmaxFactor.weighted(e, drawn, weight));
  }

  @Override
  public long draws(Site site) {
    Dims part = site.perSample(0);
    return part.range(0, part.rank() - 1).product().size();
  }

  @Override
  public String name() {
    return "softmax cross-entropy";
  }
}
