package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.ColumnSigns;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * An elementwise function f(a, b) of two inputs that are broadcast against each other: [N, V, F…] ·
 * ∂f/∂a, summed over what was broadcast.
 *
 * @param name the function's name
 * @param da ∂f/∂a
 * @param db ∂f/∂b
 * @param daa ∂²f/∂a²
 * @param dab ∂²f/∂a∂b
 * @param dbb ∂²f/∂b²
 */
record BinaryRule(String name, Partial da, Partial db, Partial daa, Partial dab, Partial dbb)
    implements Rule {
  /** A partial derivative at aligned inputs, [N, 1, …] or a number. */
  @FunctionalInterface
  interface Partial {
    /** Zero everywhere. */
    Partial ZERO = (e, o) -> o.number(0);

    /** One everywhere. */
    Partial ONE = (e, o) -> o.number(1);

    /** Minus one everywhere. */
    Partial MINUS_ONE = (e, o) -> o.number(-1);

    Tensor at(Emitter e, Operands o);
  }

  /** A function that is linear, or linear in pieces. */
  static BinaryRule linear(String name, Partial da, Partial db) {
    return new BinaryRule(name, da, db, Partial.ZERO, Partial.ZERO, Partial.ZERO);
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.broadcast(context, output);
  }

  private Partial first(int input) {
    return input == 0 ? da : db;
  }

  private Partial second(int input) {
    return input == 0 ? daa : dbb;
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return first(input) != Partial.ZERO;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    Tensor product = e.mul(cotangent, first(input).at(e, new Operands(context)));
    return e.cast(context.unaligned(input, output, product), context.type(input));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Tensor aligned = context.alignedTangent(input, output, tangent);
    Tensor here = e.cast(aligned, context.outputType(output));
    return context.filled(output, e.mul(here, first(input).at(e, new Operands(context))));
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return active.stream().allMatch(k -> second(k) == Partial.ZERO)
        && (active.size() < 2 || dab == Partial.ZERO);
  }

  @Override
  public List<Integer> bilinear(NodeContext context) {
    return context.node().op().equals("multiply") ? List.of(0, 1) : List.of();
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    // every function has its second derivatives
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = context.emit();
    Operands operands = new Operands(context);
    List<HessianRoot> all = new ArrayList<>();
    for (int k : active) {
      if (second(k) != Partial.ZERO) {
        SignedRoot columns = SignedRoot.diagonal(e, e.mul(gradient, second(k).at(e, operands)));
        all.add(new HessianRoot(Map.of(k, at(context, k, columns.columns())), columns.signs()));
      }
    }
    if (active.size() == 2 && dab != Partial.ZERO) {
      all.addAll(pair(context, e.mul(gradient, dab.at(e, operands))));
    }
    return all;
  }

  /** Columns at the output as columns at an input. */
  private static ColumnSource at(NodeContext context, int input, ColumnSource columns) {
    return columns.then(
        c -> context.emit().cast(context.unaligned(input, 0, c), context.type(input)));
  }

  /**
   * d (eₐ e_bᵀ + e_b eₐᵀ), entry by entry, as (a + b)/√2 with sign + and (a − b)/√2 with sign −.
   */
  private static List<HessianRoot> pair(NodeContext context, Tensor d) {
    Emitter e = context.emit();
    Tensor root = e.scale(e.sqrt(e.abs(d)), Math.sqrt(0.5));
    ColumnSource a = at(context, 0, SignedRoot.embed(e, root));
    ColumnSource b = at(context, 1, SignedRoot.embed(e, e.mul(root, e.sign(d))));
    ColumnSource minusB = b.then(c -> e.scale(c, -1));
    long count = d.dims().from(2).product().size();
    return List.of(
        new HessianRoot(Map.of(0, a, 1, b), ColumnSigns.plus(count)),
        new HessianRoot(Map.of(0, a, 1, minusB), ColumnSigns.minus(count)));
  }
}
