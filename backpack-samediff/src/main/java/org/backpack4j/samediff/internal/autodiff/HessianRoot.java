package org.backpack4j.samediff.internal.autodiff;

import java.util.List;
import java.util.Map;

/**
 * Signed columns c with Σᵥ s[n, v] c[n, v] c[n, v]ᵀ = the second derivative of ⟨gradient, op⟩ with
 * respect to the op's inputs. They are not made before they are asked for, a range at a time.
 *
 * @param columns for each input (by its position) the columns' part there [N, V, F…]
 * @param signs s and the number V of columns
 */
public record HessianRoot(Map<Integer, ColumnSource> columns, ColumnSigns signs) {
  /**
   * Columns at one input.
   *
   * @param input the input
   * @param group the columns
   * @return the curvature
   */
  public static HessianRoot at(int input, SignedRoot group) {
    return new HessianRoot(Map.of(input, group.columns()), group.signs());
  }

  /**
   * Columns at one input.
   *
   * @param input the input
   * @param groups groups of columns there
   * @return each group as curvature
   */
  public static List<HessianRoot> all(int input, List<SignedRoot> groups) {
    return groups.stream().map(c -> at(input, c)).toList();
  }
}
