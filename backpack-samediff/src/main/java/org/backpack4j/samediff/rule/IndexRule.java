package org.backpack4j.samediff.rule;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * Ops without a derivative whose results are shapes, positions, counts, or arrays of a computed
 * shape: no signal passes.
 */
final class IndexRule implements Rule {
  private static final IndexRule INSTANCE = new IndexRule();

  private IndexRule() {}

  static Map<String, Rule> table() {
    Map<String, Rule> table = new TreeMap<>();
    Stream.of(
            // shapes
            "broadcast_dynamic_shape",
            "evaluate_reduction_shape",
            "rank",
            "shape_of",
            "shapes_of",
            "size",
            "size_at",
            // positions and counts
            "all",
            "any",
            "argamax",
            "argamin",
            "argmax",
            "argmin",
            "confusion_matrix",
            "countNonZero",
            "countZero",
            "equals_with_eps",
            "first_index",
            "hammingdistance",
            "hasinf",
            "hasnan",
            "in_top_k",
            "invert_permutation",
            "is_non_decreasing",
            "is_numeric_tensor",
            "is_strictly_increasing",
            "ismax",
            "last_index",
            "match_condition",
            "mergemaxindex",
            "onehot",
            "sequence_mask",
            "stop_gradient",
            "zero_fraction",
            // arrays of a computed shape
            "create",
            "eye",
            "fill",
            "lin_space",
            "min_max_datatype",
            "range",
            "tri")
        .forEach(op -> table.put(op, INSTANCE));
    return table;
  }

  /** The sample axis is where an extent grows; what is folded with it stays beside it. */
  @Override
  public Placement place(Site site, int output) {
    Dims out = site.outputDims(output);
    Placement place = site.inputs() == 0 ? Placement.SHARED : site.placement(0);
    int axis = out.sampleAxis();
    boolean same =
        place.hasSamples() && axis >= 0 && out.get(axis).equals(site.dims(0).get(place.axis()));
    return same
        ? Placement.samples(axis, place.outer(), place.inner())
        : Placements.byShape(site, output);
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return false;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    throw new UnsupportedOperationException("no signal passes " + site.node());
  }

  @Override
  public String name() {
    return "no derivative";
  }
}
