package org.backpack4j.samediff.internal.rule;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * Ops without a derivative whose results are shapes, positions, counts, or arrays of a computed
 * shape: no cotangent passes. Some take what their results are made of, too; a parameter there is
 * refused.
 */
final class IndexRule implements Rule {
  private static final IndexRule INSTANCE = new IndexRule(Set.of());

  /** The inputs whose entries are in the results, so that there is a derivative. */
  private final Set<Integer> entries;

  private IndexRule(Set<Integer> entries) {
    this.entries = entries;
  }

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
            "sequence_mask",
            "stop_gradient",
            "zero_fraction",
            // arrays of a computed shape
            "create",
            "eye",
            "min_max_datatype",
            "tri")
        .forEach(op -> table.put(op, INSTANCE));
    table.put("confusion_matrix", new IndexRule(Set.of(2))); // its weights
    table.put("fill", new IndexRule(Set.of(1)));
    table.put("lin_space", new IndexRule(Set.of(0, 1)));
    table.put("onehot", new IndexRule(Set.of(2, 3))); // what is hot, and what is not
    table.put("range", new IndexRule(Set.of(0, 2))); // its end tells how many there are
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
    return entries.contains(input)
        && context.type(input).isFPType()
        && context.outputType(0).isFPType();
  }

  @Override
  public void check(NodeContext context) {
    if (IntStream.range(0, context.inputs()).anyMatch(k -> differentiable(context, k))) {
      throw new UnsupportedOpException(
          "it makes an array of numbers that depend on parameters",
          "make it of constants, and scale and shift it by the parameters");
    }
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
