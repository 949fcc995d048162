package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;

/**
 * Which parameters (and other variables asked for) reach which inputs of which nodes through ops
 * that have a derivative, found in one walk along the graph.
 */
final class ParameterReach {
  private static final BitSet NONE = new BitSet();

  private final List<String> parameters;

  /** By variable, the parameters that it depends on; never changed once it is entered. */
  private final Map<String, BitSet> variables = new HashMap<>();

  /** By node, for each input the parameters that reach it with a derivative. */
  private final Map<Node, List<BitSet>> inputs = new HashMap<>();

  ParameterReach(Annotations graph, Function<Node, Rule> rules, Collection<String> parameters) {
    this.parameters = List.copyOf(parameters);
    for (int k = 0; k < this.parameters.size(); k++) {
      BitSet own = new BitSet();
      own.set(k);
      variables.put(this.parameters.get(k), own);
    }
    for (Node node : graph.nodes()) {
      BitSet through = enter(node, rules.apply(node), new NodeContext(graph, node));
      if (!through.isEmpty()) {
        node.outputs().forEach(o -> variables.merge(o, through, ParameterReach::union));
      }
    }
  }

  private BitSet enter(Node node, Rule rule, NodeContext context) {
    List<BitSet> arriving = new ArrayList<>();
    BitSet through = NONE;
    for (int k = 0; k < node.inputs().size(); k++) {
      BitSet here = variables.getOrDefault(node.inputs().get(k), NONE);
      here = here.isEmpty() || !rule.differentiable(context, k) ? NONE : here;
      arriving.add(here);
      through = union(through, here);
    }
    if (!through.isEmpty()) {
      inputs.put(node, arriving);
    }
    return through;
  }

  private static BitSet union(BitSet some, BitSet others) {
    if (others.isEmpty() || some.equals(others)) {
      return some;
    }
    if (some.isEmpty()) {
      return others;
    }
    BitSet union = (BitSet) some.clone();
    union.or(others);
    return union;
  }

  /** Whether any parameter reaches an input. */
  boolean arrivesAt(Node node, int input) {
    List<BitSet> arriving = inputs.get(node);
    return arriving != null && !arriving.get(input).isEmpty();
  }

  /** The parameters that reach an input. */
  List<String> into(Node node, int input) {
    List<BitSet> arriving = inputs.get(node);
    return arriving == null ? List.of() : names(arriving.get(input));
  }

  /** The parameters that reach a node. */
  List<String> through(Node node) {
    return names(inputs.getOrDefault(node, List.of()).stream().reduce(NONE, ParameterReach::union));
  }

  private List<String> names(BitSet bits) {
    return bits.stream().mapToObj(parameters::get).toList();
  }
}
