package org.backpack4j.samediff.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code softmax} along an axis, p: p ∘ (S − Σ p S). Its second derivative, weighted by an incoming
 * gradient δ, is diag(g) − g pᵀ − p gᵀ with g = p ∘ (δ − Σ p δ): C + 2 signed columns.
 */
final class SoftmaxRule implements Rule {
  private static Along along(Site site) {
    return new Along(site, site.node().iArg(0, -1));
  }

  @Override
  public Placement place(Site site, int output) {
    return along(site).place();
  }

  @Override
  public boolean passesMixing() {
    return true;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor p = site.outputValue(0);
    Tensor weighted = e.mul(signal, p);
    return e.sub(weighted, e.mul(along(site).sum(weighted), p));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    along(site).checkCurvature();
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = site.emit();
    Along along = along(site);
    Tensor g = RowColumns.row(e, along.rows(pull(site, 0, output, gradient)));
    Tensor p = RowColumns.row(e, along.rows(site.outputValue(0)));
    return List.of(new RowColumns(e).diagonal(g).minusSymmetric(g, p).curvature(along));
  }

  @Override
  public String name() {
    return "softmax";
  }
}
