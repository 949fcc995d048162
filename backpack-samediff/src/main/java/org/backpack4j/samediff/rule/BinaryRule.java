package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * An elementwise function f(a, b) of two inputs that are broadcast against each other: [N, V, F…] ·
 * ∂f/∂a, summed over what was broadcast.
 */
final class BinaryRule implements Rule {
  /**
   * Partial derivatives of f at aligned inputs [N, 1, …]; null stands for zero, a literal costs
   * nothing.
   */
  interface Partials {
    /** ∂f/∂a for input 0, ∂f/∂b for input 1. */
    @Nullable Tensor first(Emitter e, int input, Tensor a, Tensor b);

    /** ∂²f/∂(one)∂(other). */
    @Nullable Tensor second(Emitter e, int one, int other, Tensor a, Tensor b);
  }

  private final String name;
  private final Partials partials;

  BinaryRule(String name, Partials partials) {
    this.name = name;
    this.partials = partials;
  }

  @Override
  public Placement place(Site site, int output) {
    return Placements.broadcast(site, output);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Tensor derivative =
        partials.first(site.emit(), input, site.aligned(0, output), site.aligned(1, output));
    Tensor product =
        derivative == null ? site.emit().scale(signal, 0) : site.emit().mul(signal, derivative);
    return site.unaligned(input, output, product);
  }

  private @Nullable Tensor second(Site site, int one, int other) {
    return partials.second(site.emit(), one, other, site.aligned(0, 0), site.aligned(1, 0));
  }

  /**
   * Asked before anything is inserted, so no value may be looked at: only f's kind and the inputs
   * that vary.
   */
  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return switch (name) {
      case "add", "subtract", "reversesubtract", "maximum", "minimum" -> true;
      case "multiply" -> active.size() == 1 && !sameInput(site);
      case "divide" -> active.equals(Set.of(0));
      case "reversedivide" -> active.equals(Set.of(1));
      default -> false;
    };
  }

  private static boolean sameInput(Site site) {
    return site.node().inputs().get(0).equals(site.node().inputs().get(1));
  }

  @Override
  public void checkCurvature(Site site, Set<Integer> active) {}

  @Override
  public List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = site.emit();
    List<Curvature> all = new ArrayList<>();
    for (int k : active) {
      Tensor own = second(site, k, k);
      if (own != null) {
        SignedColumns columns = SignedColumns.diagonal(e, e.mul(gradient, own));
        all.add(
            new Curvature(Map.of(k, site.unaligned(k, output, columns.value())), columns.signs()));
      }
    }
    Tensor mixed = active.size() == 2 ? second(site, 0, 1) : null;
    if (mixed != null) {
      all.addAll(pair(site, output, e.mul(gradient, mixed)));
    }
    return all;
  }

  /**
   * d (eₐ e_bᵀ + e_b eₐᵀ), entry by entry, as (a + b)/√2 with sign + and (a − b)/√2 with sign −.
   */
  private List<Curvature> pair(Site site, int output, Tensor d) {
    Emitter e = site.emit();
    Tensor root = SignedColumns.embed(e, e.scale(e.sqrt(e.abs(d)), Math.sqrt(0.5)));
    Tensor signed = e.mul(root, SignedColumns.spread(e, e.sign(d)));
    Tensor a = site.unaligned(0, output, root);
    Tensor b = site.unaligned(1, output, signed);
    Tensor ones = SignedColumns.signs(e, root, 1);
    Tensor minus = SignedColumns.signs(e, root, -1);
    Map<Integer, Tensor> plusColumns = new LinkedHashMap<>(Map.of(0, a, 1, b));
    Map<Integer, Tensor> minusColumns = new LinkedHashMap<>(Map.of(0, a, 1, e.scale(b, -1)));
    return List.of(new Curvature(plusColumns, ones), new Curvature(minusColumns, minus));
  }

  @Override
  public String name() {
    return name;
  }
}
