package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.jspecify.annotations.Nullable;

/**
 * A reduction y = f(x₁, x₂, …) over some axes: every xᵢ gets the cotangent of the result that it
 * went into, times ∂f/∂xᵢ.
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
  public BatchAxis batchAxis(NodeContext context, int output) {
    return Reductions.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    if (Reductions.axes(context).length == 0) {
      throw new UnsupportedOpException(
          "it runs over no axis", "leave the op out, or name its axes");
    }
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor product =
        e.mul(Reductions.spread(context, cotangent), slope.at(new Group(context, output)));
    Dim samples = context.batchAxis(0).hasSamples() ? Dim.N : cotangent.dims().get(0);
    return e.broadcast(
        product, Dims.of(samples, cotangent.dims().get(1)).plus(context.perSample(0)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Tensor d = slope.at(new Group(context, output));
    return Reductions.sums(context, output, context.emit().mul(tangent, d));
  }

  @Override
  public boolean vjpHandlesCoupling() {
    return acrossSamples;
  }

  @Override
  public boolean addsSamplesUp(NodeContext context) {
    return separate && context.batchAxis(0).hasSamples();
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return piecewiseLinear;
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    if (second == null && !piecewiseLinear) {
      throw new UnsupportedOpException(
          "the second derivative of " + name + " is not known", "use another reduction");
    }
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor gradient, Set<Integer> active) {
    if (second == null) {
      return List.of();
    }
    Emitter e = context.emit();
    Tensor g = Reductions.spread(context, gradient);
    Hessian hessian = second.at(new Group(context, output));
    List<HessianRoot> all = new ArrayList<>();
    if (hessian.diagonal() != null) {
      Tensor d = e.mul(g, hessian.diagonal());
      Dim samples = context.batchAxis(0).hasSamples() ? Dim.N : d.dims().get(0);
      Tensor full = e.broadcast(d, Dims.of(samples, Dim.ONE).plus(context.perSample(0)));
      all.add(HessianRoot.at(0, SignedRoot.diagonal(e, full)));
    }
    for (int r = 0; r < hessian.vectors().size(); r++) {
      all.add(outer(e, g, hessian.vectors().get(r), hessian.signs().get(r)));
    }
    return all;
  }

  /** s g u uᵀ for each result, one column for each: √|g| u within the result, zero elsewhere. */
  private static HessianRoot outer(Emitter e, Tensor g, Tensor u, int sign) {
    ColumnSource roots = SignedRoot.embed(e, e.sqrt(e.abs(g)));
    Tensor flat = e.reshape(g, Dims.of(g.dims().get(0), g.dims().from(2).product()));
    return new HessianRoot(
        Map.of(0, roots.then(c -> e.mul(c, u))), ColumnSigns.of(e.scale(e.sign(flat), sign)));
  }

  @Override
  public String name() {
    return name;
  }
}
