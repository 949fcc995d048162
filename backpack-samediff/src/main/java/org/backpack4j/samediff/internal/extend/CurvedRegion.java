package org.backpack4j.samediff.internal.extend;

import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Likelihoods;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.LogLikelihood;
import org.backpack4j.samediff.internal.loss.LossRule;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.jspecify.annotations.Nullable;

/**
 * The nodes at which columns of second-order quantities start, and what keeps them from starting
 * there.
 */
abstract class CurvedRegion {
  final Annotations graph;
  final Function<Node, Rule> rules;
  final GradientWay way;
  final Likelihoods likelihoods;
  final Set<Node> nodes = new LinkedHashSet<>();
  final Set<String> predictions = new LinkedHashSet<>();

  /** Variables whose dependence on the predictions counts, these included. */
  final Set<String> fromPredictions = new HashSet<>();

  final Map<Node, Obstacle> obstacles = new LinkedHashMap<>();

  /** Nodes of a loss whose predictions are not known. */
  final Set<Node> withoutPredictions = new LinkedHashSet<>();

  final Set<String> notes = new LinkedHashSet<>();
  private final Set<String> coupled = new HashSet<>();

  /** Functions that are one with the logarithms of their answers, and these logarithms. */
  private final Map<Node, LogLikelihood> joint = new LinkedHashMap<>();

  private final Set<Node> joined = new HashSet<>();

  CurvedRegion(
      Annotations graph, Function<Node, Rule> rules, List<String> losses, GradientWay way) {
    this.graph = graph;
    this.rules = rules;
    this.way = way;
    this.likelihoods = Likelihoods.of(graph.emit().graph(), losses);
  }

  /** The inputs of a node in which its second derivative counts. */
  abstract Set<Integer> active(Node node);

  /** Whether columns go on to an input that the gradient comes to. */
  abstract boolean carries(Node node, int input);

  /** Whether an input enters the loss beside the predictions. */
  abstract boolean beside(Node node, int input);

  /** Nodes of which an activation and a weight vary, and whose mixed derivative is a VJP. */
  Set<Node> bilinear() {
    return Set.of();
  }

  /** Why the curvature between two ways of a parameter into a node is not known; null if it is. */
  @Nullable Obstacle atMeeting(Node node) {
    return null;
  }

  /** The parameters of which {@link #atMeeting} stands in the way. */
  Set<String> meetingAt(Node node) {
    return Set.of();
  }

  /** An op without a known curvature as an obstacle. */
  Obstacle notCurved(UnsupportedOpException refused) {
    return new Obstacle(refused.reason(), refused.remedy());
  }

  /** Softmax and sigmoid nodes of the region whose Hessian is known together with the loss's. */
  final void joinLikelihoods() {
    Map<String, Node> byName = new HashMap<>();
    nodes.forEach(n -> byName.put(n.name(), n));
    for (Node node : inOrder()) {
      Likelihoods.@Nullable Likelihood found =
          node.inputs().isEmpty() ? null : likelihoods.behind(node.name(), node.inputs().get(0));
      Node function = found == null ? null : byName.get(found.function().getName());
      if (found == null || function == null || joint.containsKey(function)) {
        continue;
      }
      boolean known =
          found.logarithms().stream().allMatch(op -> byName.containsKey(op.getName()))
              && obstacles.keySet().stream().noneMatch(n -> belongs(n, found));
      LogLikelihood likelihood =
          known
              ? LogLikelihood.of(
                  found, name -> way.context(Objects.requireNonNull(byName.get(name))))
              : null;
      if (likelihood != null) {
        joint.put(function, likelihood);
        found.logarithms().forEach(op -> joined.add(byName.get(op.getName())));
      }
    }
  }

  private static boolean belongs(Node node, Likelihoods.Likelihood likelihood) {
    return likelihood.nodes().contains(node.name())
        || likelihood.logarithms().stream().anyMatch(op -> op.getName().equals(node.name()));
  }

  /** The function of a node together with the loss's logarithms; null if it stands for itself. */
  @Nullable LogLikelihood likelihood(Node node) {
    return joint.get(node);
  }

  /** Whether what a node adds to the curvature is part of a {@link #likelihood}. */
  boolean joined(Node node) {
    return joined.contains(node);
  }

  /** Finds out whether the curvature that a node adds is known. */
  final void inspect(Node node, Rule rule, Set<Integer> active) {
    boolean reduced =
        node.outputs().stream().anyMatch(o -> graph.batchAxis(o).kind() == BatchAxis.Kind.REDUCED);
    boolean couples = couples(node, active);
    if (couples) {
      coupled.addAll(node.outputs());
    }
    if (rule.hasZeroHessian(way.context(node), active)) {
      return;
    }
    boolean sum = rule instanceof LossRule || rule.addsSamplesUp(way.context(node));
    if (couples || (reduced && !sum)) {
      obstacles.put(
          node,
          new Obstacle(
              "the loss is not a sum over samples",
              "write it as a sum or mean of each sample's loss"));
      return;
    }
    try {
      rule.checkHessianRoot(way.context(node), active);
    } catch (UnsupportedOpException refused) {
      obstacles.put(node, notCurved(refused));
    }
  }

  /** Whether a sample's part of what a node computes depends on other samples' predictions. */
  final boolean couples(Node node, Set<Integer> active) {
    boolean samples = node.outputs().stream().anyMatch(o -> graph.batchAxis(o).hasSamples());
    return samples
        && (way.coupling(node) != null
            || active.stream()
                .map(k -> node.inputs().get(k))
                .anyMatch(
                    i ->
                        coupled.contains(i)
                            || graph.batchAxis(i).kind() == BatchAxis.Kind.REDUCED));
  }

  /** What the losses are functions of. */
  Set<String> predictions() {
    return Collections.unmodifiableSet(predictions);
  }

  /** Whether a variable is computed from the predictions. */
  boolean isBehindPredictions(String variable) {
    return fromPredictions.contains(variable) && !predictions.contains(variable);
  }

  /** The nodes between predictions and losses, in order. */
  List<Node> inOrder() {
    return graph.nodes().stream().filter(nodes::contains).toList();
  }
}
