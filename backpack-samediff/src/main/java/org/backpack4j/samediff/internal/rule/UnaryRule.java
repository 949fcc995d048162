package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * An elementwise function y = f(x) of the first input: [N, V, F…] · f'(x), and diag(δ f''(x)) as
 * curvature.
 */
final class UnaryRule implements SymmetricRule {
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
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.along(context, output);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == 0;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return context.emit().mul(cotangent, first.at(context.emit(), new Point(context)));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return second == null;
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    // every function has its second derivative
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor gradient, Set<Integer> active) {
    if (second == null) {
      return List.of();
    }
    Emitter e = context.emit();
    Tensor d = e.mul(gradient, second.at(e, new Point(context)));
    return List.of(HessianRoot.at(0, SignedRoot.diagonal(e, d)));
  }

  @Override
  public String name() {
    return name;
  }
}
