package org.backpack4j.samediff.internal.extend;

import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.jspecify.annotations.Nullable;

/**
 * Every op that is not linear: where the columns of the Hessian start. Of the diagonal, or of the
 * whole matrix, where each pair of an activation and a weight counts as well.
 */
final class HessianRegion extends CurvedRegion {
  private final List<String> losses;
  private final ParameterReach reach;
  private final Penalties penalties;

  /** Whether each pair of an activation and a weight counts. */
  private final boolean pairs;

  /** Nodes whose mixed second derivative is a VJP. */
  private final Set<Node> bilinear = new LinkedHashSet<>();

  /** Inputs by which a parameter meets what depends on it already; what stands in the way there. */
  private final Map<Node, Set<Integer>> meetings = new HashMap<>();

  private final Map<Node, Set<Integer>> activeInputs = new HashMap<>();
  private final Map<Node, Obstacle> atMeetings = new LinkedHashMap<>();

  HessianRegion(
      boolean pairs,
      Annotations graph,
      Function<Node, Rule> rules,
      List<String> losses,
      GradientWay way,
      ParameterReach reach,
      Penalties penalties) {
    super(graph, rules, losses, way);
    this.pairs = pairs;
    this.losses = losses;
    this.reach = reach;
    this.penalties = penalties;
    find();
    joinLikelihoods();
  }

  @Override
  Set<Integer> active(Node node) {
    Set<Integer> active = new HashSet<>(activeInputs.getOrDefault(node, Set.of()));
    active.addAll(meetings.getOrDefault(node, Set.of()));
    return active;
  }

  @Override
  boolean carries(Node node, int input) {
    return true;
  }

  @Override
  boolean beside(Node node, int input) {
    return false;
  }

  @Override
  @Nullable Obstacle atMeeting(Node node) {
    return atMeetings.get(node);
  }

  @Override
  Set<String> meetingAt(Node node) {
    return pairs ? new LinkedHashSet<>(reach.through(node)) : twice(node);
  }

  /** The loss is not what is to be written otherwise: the remedy is another quantity. */
  @Override
  Obstacle notCurved(UnsupportedOpException refused) {
    return new Obstacle(
        refused.reason(),
        "ask for the generalised Gauss-Newton matrix in place of the Hessian, or leave the"
            + " parameters out that act on the op");
  }

  /**
   * Every node through which a parameter acts on a loss. Of a factor of the second derivative that
   * mixes an activation with a weight only the diagonal matters, and that is zero unless both
   * depend on one parameter: only there is the weight one of the inputs that vary.
   */
  private void find() {
    Set<String> acting = acting();
    for (Node node : graph.nodes()) {
      Set<Integer> varying =
          IntStream.range(0, node.inputs().size())
              .filter(k -> way.carriesGradient(node, k) && acting.contains(node.inputs().get(k)))
              .boxed()
              .collect(Collectors.toSet());
      if (varying.isEmpty() || node.outputs().stream().noneMatch(acting::contains)) {
        continue;
      }
      nodes.add(node);
      node.outputs().stream().filter(acting::contains).forEach(fromPredictions::add);
      if (pairs && isBilinear(node, varying)) {
        bilinear.add(node);
        continue;
      }
      boolean shared = node.outputs().stream().allMatch(this::isUnbatched);
      Set<Integer> active =
          shared
              ? varying
              : varying.stream()
                  .filter(k -> !isUnbatched(node.inputs().get(k)))
                  .collect(Collectors.toSet());
      activeInputs.put(node, active);
      if (!active.isEmpty()) {
        inspect(node, rules.apply(node), active);
      }
      Set<Integer> meeting =
          varying.stream()
              .filter(k -> !active.contains(k) && (pairs || meets(node, k, varying)))
              .collect(Collectors.toSet());
      if (!meeting.isEmpty()) {
        meetings.put(node, meeting);
        Set<Integer> all = new HashSet<>(active);
        all.addAll(meeting);
        inspectMeeting(node, rules.apply(node), all);
      }
    }
  }

  /** Whether all that varies of a node are two inputs in which it is linear, and what it adds. */
  private boolean isBilinear(Node node, Set<Integer> varying) {
    Rule rule = rules.apply(node);
    List<Integer> pair = rule.bilinear(way.context(node));
    if (pair.isEmpty() || couples(node, varying)) {
      return false;
    }
    Set<Integer> others = new HashSet<>(varying);
    pair.forEach(others::remove);
    return pair.stream().allMatch(k -> alone(node, rule, others, k))
        && (others.isEmpty() || rule.hasZeroHessian(way.context(node), others));
  }

  private boolean alone(Node node, Rule rule, Set<Integer> others, int input) {
    Set<Integer> with = new HashSet<>(others);
    with.add(input);
    return rule.hasZeroHessian(way.context(node), with);
  }

  /** Variables through which parameters act on the losses otherwise than as penalties. */
  private Set<String> acting() {
    Set<String> acting = new HashSet<>();
    losses.stream().filter(l -> way.leads(l) && !isUnbatched(l)).forEach(acting::add);
    List<Node> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      if (node.outputs().stream().anyMatch(acting::contains)) {
        for (int k = 0; k < node.inputs().size(); k++) {
          if (way.carriesGradient(node, k) && !penalties.isPenalty(node, k)) {
            acting.add(node.inputs().get(k));
          }
        }
      }
    }
    return acting;
  }

  private boolean isUnbatched(String variable) {
    return graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED;
  }

  /** Whether a parameter comes to a node by an input and by another. */
  private boolean meets(Node node, int input, Set<Integer> varying) {
    Set<String> here = Set.copyOf(reach.into(node, input));
    return varying.stream()
        .filter(k -> k != input)
        .anyMatch(k -> reach.into(node, k).stream().anyMatch(here::contains));
  }

  private void inspectMeeting(Node node, Rule rule, Set<Integer> all) {
    if (rule.hasZeroHessian(way.context(node), all)) {
      meetings.remove(node);
      return;
    }
    try {
      rule.checkHessianRoot(way.context(node), all);
    } catch (UnsupportedOpException refused) {
      meetings.remove(node);
      atMeetings.put(node, notCurved(refused));
    }
  }

  @Override
  Set<Node> bilinear() {
    return Collections.unmodifiableSet(bilinear);
  }

  /** The parameters that come to a node by more than one input. */
  private Set<String> twice(Node node) {
    Set<String> once = new HashSet<>();
    Set<String> twice = new LinkedHashSet<>();
    for (int k = 0; k < node.inputs().size(); k++) {
      for (String parameter : reach.into(node, k)) {
        if (!once.add(parameter)) {
          twice.add(parameter);
        }
      }
    }
    return twice;
  }
}
