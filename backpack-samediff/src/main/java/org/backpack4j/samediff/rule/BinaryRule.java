package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.backprop.ColumnSigns;
import org.backpack4j.samediff.backprop.ColumnSource;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.SignedColumns;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

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
  public Placement place(Site site, int output) {
    return Placements.broadcast(site, output);
  }

  private Partial first(int input) {
    return input == 0 ? da : db;
  }

  private Partial second(int input) {
    return input == 0 ? daa : dbb;
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return first(input) != Partial.ZERO;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Tensor product = e.mul(signal, first(input).at(e, new Operands(site)));
    return e.cast(site.unaligned(input, output, product), site.type(input));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return active.stream().allMatch(k -> second(k) == Partial.ZERO)
        && (active.size() < 2 || dab == Partial.ZERO);
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {
    // every function has its second derivatives
  }

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = site.emit();
    Operands operands = new Operands(site);
    List<Curvature> all = new ArrayList<>();
    for (int k : active) {
      if (second(k) != Partial.ZERO) {
        SignedColumns columns =
            SignedColumns.diagonal(e, e.mul(gradient, second(k).at(e, operands)));
        all.add(new Curvature(Map.of(k, at(site, k, columns.columns())), columns.signs()));
      }
    }
    if (active.size() == 2 && dab != Partial.ZERO) {
      all.addAll(pair(site, e.mul(gradient, dab.at(e, operands))));
    }
    return all;
  }

  /** Columns at the output as columns at an input. */
  private static ColumnSource at(Site site, int input, ColumnSource columns) {
    return columns.then(c -> site.emit().cast(site.unaligned(input, 0, c), site.type(input)));
  }

  /**
   * d (eₐ e_bᵀ + e_b eₐᵀ), entry by entry, as (a + b)/√2 with sign + and (a − b)/√2 with sign −.
   */
  private static List<Curvature> pair(Site site, Tensor d) {
    Emitter e = site.emit();
    Tensor root = e.scale(e.sqrt(e.abs(d)), Math.sqrt(0.5));
    ColumnSource a = at(site, 0, SignedColumns.embed(e, root));
    ColumnSource b = at(site, 1, SignedColumns.embed(e, e.mul(root, e.sign(d))));
    ColumnSource minusB = b.then(c -> e.scale(c, -1));
    long count = d.dims().from(2).product().size();
    return List.of(
        new Curvature(Map.of(0, a, 1, b), ColumnSigns.plus(count)),
        new Curvature(Map.of(0, a, 1, minusB), ColumnSigns.minus(count)));
  }
}
