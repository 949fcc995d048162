package org.backpack4j.samediff.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * An elementwise function y = f(x) of the first input: [N, V, F…] · f'(x), and diag(δ f''(x)) as
 * curvature.
 */
final class UnaryRule implements Rule {
  /** A derivative, [N, 1, F…] or a number. */
  @FunctionalInterface
  interface Derivative {
    Tensor at(Emitter e, Point p);
  }

  private final String name;
  private final Derivative first;
  private final @Nullable Derivative second;

  private UnaryRule(String name, Derivative first, @Nullable Derivative second) {
    this.name = name;
    this.first = first;
    this.second = second;
  }

  /** A function that is linear, or linear in pieces. */
  static UnaryRule linear(String name, Derivative first) {
    return new UnaryRule(name, first, null);
  }

  /** A function with a second derivative. */
  static UnaryRule curved(String name, Derivative first, Derivative second) {
    return new UnaryRule(name, first, second);
  }

  @Override
  public Placement place(Site site, int output) {
    return Placements.along(site, output);
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return input == 0;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    return site.emit().mul(signal, first.at(site.emit(), new Point(site)));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return second == null;
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    // every function has its second derivative
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    if (second == null) {
      return List.of();
    }
    Emitter e = site.emit();
    Tensor d = e.mul(gradient, second.at(e, new Point(site)));
    return List.of(Curvature.at(0, SignedColumns.diagonal(e, d)));
  }

  @Override
  public String name() {
    return name;
  }
}
