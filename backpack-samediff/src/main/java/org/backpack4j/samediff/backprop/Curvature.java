package org.backpack4j.samediff.backprop;

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
public record Curvature(Map<Integer, Tensor> columns, @Nullable Tensor signs) {}
