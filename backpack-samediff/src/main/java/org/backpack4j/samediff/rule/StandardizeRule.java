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
 * {@code standardize} along axes of D entries, y = (x − μ)/σ with σ² = Σ (x − μ)²/D; zero where σ
 * is, as in ND4J: (S − mean(S) − y mean(y S))/σ. With m = mean(y δ) its second derivative, weighted
 * by an incoming gradient δ, is −(a yᵀ + y aᵀ)/(D σ²) − m (I − 1 1ᵀ/D)/σ² with a = δ − mean(δ) −
 * 3/2 m y: D + 2 signed columns.
 */
final class StandardizeRule implements Rule {
  private static Along along(Site site) {
    return new Along(site, site.node().iArgs());
  }

  @Override
  public Placement place(Site site, int output) {
    return along(site).place();
  }

  @Override
  public boolean passesMixing() {
    return true;
  }

  /** 1/σ, zero where σ is. */
  private static Tensor inverse(Site site) {
    Emitter e = site.emit();
    Along along = along(site);
    Tensor x = site.value(0);
    Tensor variance = along.mean(e.square(e.sub(x, along.mean(x))));
    Tensor positive = e.greater(variance, 0);
    return e.div(positive, e.sqrt(e.add(variance, e.minus(1, positive))));
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Along along = along(site);
    Tensor y = site.outputValue(0);
    Tensor centred = e.sub(signal, along.mean(signal));
    Tensor across = e.sub(centred, e.mul(along.mean(e.mul(signal, y)), y));
    return e.mul(across, inverse(site));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    along(site).checkCurvature();
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = site.emit();
    Along along = along(site);
    Tensor y = site.outputValue(0);
    Tensor inverse = inverse(site);
    Tensor m = along.mean(e.mul(gradient, y));
    Tensor a = e.sub(e.sub(gradient, along.mean(gradient)), e.scale(e.mul(m, y), 1.5));
    Tensor scaled = e.scale(e.mul(a, e.square(inverse)), 1.0 / along.count().size());
    Tensor weight = e.scale(e.mul(m, e.square(inverse)), -1);
    Tensor rows = RowColumns.row(e, along.rows(y));
    return List.of(
        new RowColumns(e)
            .centring(RowColumns.row(e, along.rows(weight)), rows)
            .minusSymmetric(RowColumns.row(e, along.rows(scaled)), rows)
            .curvature(along));
  }

  @Override
  public String name() {
    return "standardize";
  }
}
