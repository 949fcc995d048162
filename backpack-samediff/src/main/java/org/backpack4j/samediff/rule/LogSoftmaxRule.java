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
 * {@code log_softmax} along an axis, x − log Σ exp x: S − p Σ S with p the softmax. Its second
 * derivative, weighted by an incoming gradient δ, is −Σδ (diag p − p pᵀ): C + 1 signed columns, √p
 * on the diagonal and p.
 */
final class LogSoftmaxRule implements Rule {
  private static Along along(Site site) {
    return new Along(site, site.node().iArg(0, -1));
  }

  private static Tensor softmax(Site site) {
    Emitter e = site.emit();
    return e.map("exp", site.outputValue(0), true, v -> e.graph().math().exp(v));
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
    return e.sub(signal, e.mul(along(site).sum(signal), softmax(site)));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    along(site).checkCurvature();
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = site.emit();
    Along along = along(site);
    Tensor p = RowColumns.row(e, along.rows(softmax(site)));
    Tensor total = RowColumns.row(e, along.rows(along.sum(gradient)));
    return List.of(new RowColumns(e).covariance(p, e.scale(total, -1)).curvature(along));
  }

  @Override
  public String name() {
    return "log-softmax";
  }
}
