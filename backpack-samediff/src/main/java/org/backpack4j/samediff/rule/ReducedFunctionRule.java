package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.backprop.ColumnSigns;
import org.backpack4j.samediff.backprop.ColumnSource;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A reduction y = f(x₁, x₂, …) over some axes: every xᵢ gets the signal of the result that it went
 * into, times ∂f/∂xᵢ.
 */
final class ReducedFunctionRule implements Rule {
  /** ∂f/∂xᵢ for every entry, [N, 1, F…]. */
  @FunctionalInterface
  interface Slope {
    Tensor at(Group group);
  }

  /** The second derivative of each result. */
  @FunctionalInterface
  interface Second {
    Hessian at(Group group);
  }

  /**
   * Within each result diag(d) + Σᵣ sᵣ uᵣ uᵣᵀ.
   *
   * @param diagonal d [N, 1, F…]; null for zero
   * @param vectors the uᵣ [N, 1, F…]
   * @param signs the sᵣ, each 1 or −1
   */
  record Hessian(@Nullable Tensor diagonal, List<Tensor> vectors, List<Integer> signs) {}

  private final String name;
  private final Slope slope;
  private final boolean piecewiseLinear;
  private final @Nullable Second second;
  private final boolean acrossSamples;
  private final boolean separate;

  private ReducedFunctionRule(
      String name,
      Slope slope,
      boolean piecewiseLinear,
      @Nullable Second second,
      boolean acrossSamples,
      boolean separate) {
    this.name = name;
    this.slope = slope;
    this.piecewiseLinear = piecewiseLinear;
    this.second = second;
    this.acrossSamples = acrossSamples;
    this.separate = separate;
  }

  /** A function that is linear in pieces. */
  static ReducedFunctionRule linear(String name, Slope slope) {
    return new ReducedFunctionRule(name, slope, true, null, true, false);
  }

  /** A function with a second derivative; null where that is not known. */
  static ReducedFunctionRule curved(String name, Slope slope, @Nullable Second second) {
    return new ReducedFunctionRule(name, slope, false, second, true, false);
  }

  /** The same rule for a slope that is found within one sample. */
  ReducedFunctionRule withinSamples() {
    return new ReducedFunctionRule(name, slope, piecewiseLinear, second, false, false);
  }

  /** The same rule for a function that is a sum of one term for each entry. */
  ReducedFunctionRule ofSeparateTerms() {
    return new ReducedFunctionRule(name, slope, piecewiseLinear, second, acrossSamples, true);
  }

  @Override
  public Placement place(Site site, int output) {
    return Reductions.place(site, output);
  }

  @Override
  public void check(Site site) {
    if (Reductions.axes(site).length == 0) {
      throw new Refused("it runs over no axis", "leave the op out, or name its axes");
    }
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor product = e.mul(Reductions.spread(site, signal), slope.at(new Group(site, output)));
    Dim samples = site.placement(0).hasSamples() ? Dim.N : signal.dims().get(0);
    return e.broadcast(product, Dims.of(samples, signal.dims().get(1)).plus(site.perSample(0)));
  }

  @Override
  public boolean passesMixing() {
    return acrossSamples;
  }

  @Override
  public boolean addsSamplesUp(Site site) {
    return separate && site.placement(0).hasSamples();
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return piecewiseLinear;
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    if (second == null && !piecewiseLinear) {
      throw new Refused(
          "the second derivative of " + name + " is not known", "use another reduction");
    }
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    if (second == null) {
      return List.of();
    }
    Emitter e = site.emit();
    Tensor g = Reductions.spread(site, gradient);
    Hessian hessian = second.at(new Group(site, output));
    List<Curvature> all = new ArrayList<>();
    if (hessian.diagonal() != null) {
      Tensor d = e.mul(g, hessian.diagonal());
      Dim samples = site.placement(0).hasSamples() ? Dim.N : d.dims().get(0);
      Tensor full = e.broadcast(d, Dims.of(samples, Dim.ONE).plus(site.perSample(0)));
      all.add(Curvature.at(0, SignedColumns.diagonal(e, full)));
    }
    for (int r = 0; r < hessian.vectors().size(); r++) {
      all.add(outer(e, g, hessian.vectors().get(r), hessian.signs().get(r)));
    }
    return all;
  }

  /** s g u uᵀ for each result, one column for each: √|g| u within the result, zero elsewhere. */
  private static Curvature outer(Emitter e, Tensor g, Tensor u, int sign) {
    ColumnSource roots = SignedColumns.embed(e, e.sqrt(e.abs(g)));
    Tensor flat = e.reshape(g, Dims.of(g.dims().get(0), g.dims().from(2).product()));
    return new Curvature(
        Map.of(0, roots.then(c -> e.mul(c, u))), ColumnSigns.of(e.scale(e.sign(flat), sign)));
  }

  @Override
  public String name() {
    return name;
  }
}
