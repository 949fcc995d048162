package org.backpack4j.samediff.internal.extend;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.AffineOps;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;

/**
 * Which summands are penalties: terms of parameters alone that are added to the loss. Such a sum
 * leads to the losses by nothing but sums and factors that do not depend on samples, so that what
 * the penalty gets back is the same whatever the samples are. A sum that goes on into the network
 * is none, though it has no sample axis either: what is added there acts on every sample.
 */
final class Penalties {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final Map<String, Boolean> summed = new HashMap<>();

  Penalties(Annotations graph, Function<Node, Rule> rules) {
    this.graph = graph;
    this.rules = rules;
    Set<String> spoilt = new HashSet<>();
    List<Node> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      boolean on = node.outputs().stream().noneMatch(o -> hasSamples(o) || spoilt.contains(o));
      for (int k = 0; k < node.inputs().size(); k++) {
        if (passes(node, k) && !(on && keepsSamplesOut(node, k))) {
          spoilt.add(node.inputs().get(k));
        }
      }
    }
    for (Node node : nodes) {
      node.outputs().forEach(o -> summed.put(o, !hasSamples(o) && !spoilt.contains(o)));
    }
  }

  /** Whether a node adds its inputs up, so that each gets back what the sum does. */
  static boolean isSum(Node node) {
    return AffineOps.SUMS.contains(node.op());
  }

  /**
   * Whether an input is a penalty where a node adds it to something.
   *
   * @param node the node
   * @param input which input
   * @return true if it is computed from parameters alone, and the sum leads by sums to the losses
   */
  boolean isPenalty(Node node, int input) {
    return AffineOps.SUMS.contains(node.op())
        && isShared(node.inputs().get(input))
        && node.outputs().stream().allMatch(o -> summed.getOrDefault(o, false));
  }

  /** Whether what comes back to an input is free of samples where what comes back here is. */
  private boolean keepsSamplesOut(Node node, int input) {
    return AffineOps.SUMS.contains(node.op())
        || (AffineOps.FACTORS.contains(node.op())
            && rules.apply(node).hasZeroHessian(new NodeContext(graph, node), Set.of(input))
            && IntStream.range(0, node.inputs().size())
                .allMatch(k -> k == input || isShared(node.inputs().get(k))));
  }

  private boolean passes(Node node, int input) {
    return rules.apply(node).differentiable(new NodeContext(graph, node), input)
        && node.outputs().stream().anyMatch(o -> graph.type(o).isFPType());
  }

  private boolean isShared(String variable) {
    return graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED;
  }

  private boolean hasSamples(String variable) {
    return graph.batchAxis(variable).hasSamples();
  }
}
