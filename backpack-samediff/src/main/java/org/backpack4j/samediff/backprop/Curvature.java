package org.backpack4j.samediff.backprop;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Signed columns c with Σᵥ s[n, v] c[n, v] c[n, v]ᵀ = the second derivative of ⟨gradient, op⟩ with
 * respect to the op's inputs.
 *
 * @param columns for each input (by its position) the columns' part there [N, V, F…]
 * @param signs s [N, V] or [1, V]; null if all are +1
 */
public record Curvature(Map<Integer, Tensor> columns, @Nullable Tensor signs) {
  /**
   * Columns at one input.
   *
   * @param input the input
   * @param groups groups of columns there
   * @return each group as curvature
   */
  public static List<Curvature> all(int input, List<SignedColumns> groups) {
    return groups.stream().map(c -> new Curvature(Map.of(input, c.value()), c.signs())).toList();
  }
}
