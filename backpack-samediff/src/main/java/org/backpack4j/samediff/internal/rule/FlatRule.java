package org.backpack4j.samediff.internal.rule;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Tensor;

/**
 * Elementwise functions that are constant in pieces (rounding, signs, comparisons, logic): their
 * derivative is zero, so no cotangent passes.
 */
final class FlatRule implements Rule {
  private static final FlatRule INSTANCE = new FlatRule();

  private FlatRule() {}

  static Map<String, Rule> table() {
    Map<String, Rule> table = new TreeMap<>();
    Stream.of(
            // rounding, steps and constants
            "ceil",
            "floor",
            "floordiv",
            "hardtanhderivative",
            "leakyreluderivative",
            "ones_as",
            "rint",
            "round",
            "set_scalar",
            "sign",
            "step",
            "zeroslike",
            // comparisons
            "eps",
            "eps_scalar",
            "equals",
            "equals_scalar",
            "greater",
            "greater_equal",
            "greaterthan_scalar",
            "greaterthanorequal_scalar",
            "isfinite",
            "isinf",
            "isnan",
            "less",
            "less_equal",
            "lessthan_scalar",
            "lessthanorequal_scalar",
            "match_condition_transform",
            "not_equals",
            "notequals_scalar",
            // logic
            "and",
            "and_scalar",
            "bool_not",
            "boolean_and",
            "boolean_not",
            "boolean_or",
            "boolean_xor",
            "not",
            "not_scalar",
            "or",
            "or_scalar",
            "xor",
            "xor_scalar")
        .forEach(op -> table.put(op, INSTANCE));
    return table;
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.broadcast(context, output);
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
    return "constant in pieces";
  }
}
