package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;

/**
 * Parameters that the losses depend on by way of ops alone that no derivative passes: what reads a
 * shape, compares or rounds. Zeros are right for them, and are told of, since a person may have
 * expected something else.
 */
final class ZeroDerivatives {
  private final Annotations graph;
  private final Function<Node, Rule> rules;

  ZeroDerivatives(Annotations graph, Function<Node, Rule> rules) {
    this.graph = graph;
    this.rules = rules;
  }

  /**
   * Looks for such parameters.
   *
   * @param parameters the parameters asked for, on each of which the losses depend
   * @param differentiable what the losses depend on through derivatives
   * @return a sentence for each of them that is not among these
   */
  List<String> notes(Collection<String> parameters, Set<String> differentiable) {
    List<String> notes = new ArrayList<>();
    for (String parameter : parameters) {
      if (!differentiable.contains(parameter)) {
        notes.add(
            "The quantities of \""
                + parameter
                + "\" are zero: the losses depend on it by way of "
                + ends(parameter).stream().map(Node::toString).collect(Collectors.joining(" and "))
                + " alone, and no derivative passes that.");
      }
    }
    return notes;
  }

  /** Where the ways end that derivatives with respect to a parameter take. */
  private Set<Node> ends(String parameter) {
    Set<String> reached = new HashSet<>(Set.of(parameter));
    Set<Node> ends = new LinkedHashSet<>();
    for (Node node : graph.nodes()) {
      Rule rule = rules.apply(node);
      for (int k = 0; k < node.inputs().size(); k++) {
        if (reached.contains(node.inputs().get(k))) {
          if (rule.differentiable(new NodeContext(graph, node), k)) {
            reached.addAll(node.outputs());
          } else {
            ends.add(node);
          }
        }
      }
    }
    return ends;
  }
}
