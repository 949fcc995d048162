package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * The ops whose gradient in ND4J is known to be right and to survive M2.1's file format; many are
 * not. A test keeps this list true.
 */
final class OwnGradients {
  /** Ops that may mix samples, and when their gradient is right. */
  private static final Map<String, Predicate<NodeContext>> ACROSS_SAMPLES = acrossSamples();

  private OwnGradients() {}

  /** The ops without a rule of their own that treat samples apart. */
  static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    Rule segments = new OwnGradient(OwnGradients::segments, SegmentTangents::of);
    t.put("segment_max", segments);
    t.put("segment_mean", segments);
    t.put("segment_min", segments);
    t.put("segment_prod", segments);
    t.put("segment_sum", segments);
    t.put("unsorted_segment_max", segments);
    t.put("unsorted_segment_mean", segments);
    t.put("unsorted_segment_min", segments);
    t.put("unsorted_segment_prod", segments);
    t.put("unsorted_segment_sqrt_n", segments);
    t.put("unsorted_segment_sum", segments);
    return t;
  }

  /** Whether the gradient of a node may be asked for where it mixes samples. */
  static boolean rightAcrossSamples(NodeContext context) {
    return ACROSS_SAMPLES.getOrDefault(context.node().op(), s -> false).test(context);
  }

  private static Map<String, Predicate<NodeContext>> acrossSamples() {
    Map<String, Predicate<NodeContext>> t = new TreeMap<>();
    for (String op :
        List.of(
            "add",
            "amax",
            "amin",
            "concat",
            "divide",
            "log_softmax",
            "matmul",
            "multiply",
            "reduce_max",
            "reduce_min",
            "reduce_normmax",
            "reduce_prod",
            "reshape",
            "reverse",
            "slice",
            "softmax",
            "stack",
            "standardize",
            "strided_slice",
            "subtract",
            "tensordot",
            "trace",
            "triu",
            "unsorted_segment_max",
            "unsorted_segment_mean",
            "unsorted_segment_min",
            "unsorted_segment_prod",
            "unsorted_segment_sqrt_n",
            "unsorted_segment_sum")) {
      t.put(op, context -> true);
    }
    t.put("cumsum", context -> context.node().iArg(0, 0) == 0 && context.node().iArg(1, 0) == 0);
    return t;
  }

  /** Segments of axis 0, which are the same for all samples. */
  private static BatchAxis segments(NodeContext context, int output) {
    if (context.batchAxis(1).hasSamples()) {
      return BatchAxes.byShape(context, output).coupling("its segments are made of samples");
    }
    if (!context.node().op().startsWith("unsorted") && context.constant(1) == null) {
      throw new UnsupportedOpException(
          "the number of its segments depends on data", "use the unsorted op of the same kind");
    }
    return BatchAxes.along(context, output, 0);
  }
}
