package org.backpack4j.samediff.internal.rule;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Ops without a derivative whose results are shapes, positions, counts, or arrays of a computed
 * shape: no cotangent passes.
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
  public BatchAxis batchAxis(NodeContext context, int output) {
    Dims out = context.outputDims(output);
    BatchAxis place = context.inputs() == 0 ? BatchAxis.UNBATCHED : context.batchAxis(0);
    int axis = out.sampleAxis();
    boolean same =
        place.hasSamples() && axis >= 0 && out.get(axis).equals(context.dims(0).get(place.axis()));
    return same
        ? BatchAxis.samples(axis, place.outer(), place.inner())
        : BatchAxes.byShape(context, output);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return false;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    throw new UnsupportedOperationException("no cotangent passes " + context.node());
  }

  @Override
  public String name() {
    return "no derivative";
  }
}
