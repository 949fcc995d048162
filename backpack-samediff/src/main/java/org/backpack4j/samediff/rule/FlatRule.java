package org.backpack4j.samediff.rule;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * Elementwise functions that are constant in pieces (rounding, signs, comparisons, logic): their
 * derivative is zero, so no signal passes.
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
  public Placement place(Site site, int output) {
    return Placements.broadcast(site, output);
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
    return "constant in pieces";
  }
}
