package org.backpack4j.samediff.internal.interpret;

import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;

/** The ops whose results' shapes may depend on the numbers in any input, the first one included. */
public final class DynamicShapes {
  private static final Set<String> NAMES =
      Set.of(
          "Where",
          "bincount",
          "boolean_mask",
          "broadcast_dynamic_shape",
          "choose",
          "compat_sparse_to_dense",
          "compat_string_split",
          "confusion_matrix",
          "dynamic_partition",
          "dynamic_stitch",
          "evaluate_reduction_shape",
          "eye",
          "fill",
          "histogram_fixed_width",
          "image_resize",
          "lin_space",
          "listdiff",
          "non_max_suppression",
          "non_max_suppression_overlaps",
          "non_max_suppression_v3",
          "range",
          "repeat",
          "segment_max",
          "segment_mean",
          "segment_min",
          "segment_prod",
          "segment_sum",
          "sequence_mask",
          "set_shape",
          "tri",
          "unique",
          "unique_with_counts",
          "where_np");

  private DynamicShapes() {}

  /**
   * Whether an op is one of them.
   *
   * @param op the op
   * @return false if the shapes of its inputs, and integers behind the first, say its results'
   *     shapes
   */
  public static boolean has(DifferentialFunction op) {
    return NAMES.contains(op.opName());
  }
}
