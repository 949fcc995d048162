package org.backpack4j.samediff.internal.extend;

import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.ir.AffineOps;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.jspecify.annotations.Nullable;

/**
 * Where the gradient travels from the losses to the parameters asked for, and what stands in its
 * way.
 */
final class GradientWay {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final List<String> losses;
  private final Set<String> parameters;
  private final Set<String> leading = new HashSet<>();
  private final RowNumbers rowNumbers;

  /** What stands in the way of everything. */
  private final Map<Node, Obstacle> first = new LinkedHashMap<>();

  /** What lets samples influence each other, with a gradient that is right all the same. */
  private final Map<Node, Obstacle> second = new LinkedHashMap<>();

  private final Set<String> notes = new LinkedHashSet<>();

  GradientWay(
      Annotations graph, Function<Node, Rule> rules, List<String> losses, Set<String> parameters) {
    this.graph = graph;
    this.rules = rules;
    this.losses = losses;
    this.parameters = parameters;
    findLeading();
    this.rowNumbers = new RowNumbers(graph, leading::contains);
    for (Node node : graph.nodes()) {
      if (passed(node)) {
        inspect(node);
      }
    }
  }

  NodeContext context(Node node) {
    return new NodeContext(graph, node);
  }

  /** What keeps everything from passing a node; null if nothing does. */
  @Nullable Obstacle obstacle(Node node) {
    return first.get(node);
  }

  /** How a node that the gradient passes mixes samples; null if it does not. */
  @Nullable Obstacle mixing(Node node) {
    return second.get(node);
  }

  /** What is to be told, not to be refused. */
  Set<String> notes() {
    return Collections.unmodifiableSet(notes);
  }

  private void findLeading() {
    leading.addAll(parameters);
    for (Node node : graph.nodes()) {
      Rule rule = rules.apply(node);
      boolean leads =
          IntStream.range(0, node.inputs().size())
              .anyMatch(
                  k ->
                      leading.contains(node.inputs().get(k))
                          && rule.differentiable(context(node), k));
      if (leads) {
        node.outputs().stream().filter(o -> graph.type(o).isFPType()).forEach(leading::add);
      }
    }
    Set<String> differentiable = toLosses();
    notes.addAll(new ZeroDerivatives(graph, rules).notes(parameters, differentiable));
    leading.retainAll(differentiable);
    leading.addAll(parameters);
  }

  /**
   * What the losses depend on through ops that have a derivative: not what only shapes are read
   * off.
   */
  private Set<String> toLosses() {
    Set<String> reaching = new HashSet<>(losses);
    List<Node> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      if (node.outputs().stream().anyMatch(reaching::contains)) {
        Rule rule = rules.apply(node);
        for (int k = 0; k < node.inputs().size(); k++) {
          if (rule.differentiable(context(node), k)) {
            reaching.add(node.inputs().get(k));
          }
        }
      }
    }
    return reaching;
  }

  /** Whether the gradient comes to a node. */
  boolean passed(Node node) {
    return node.outputs().stream().anyMatch(leading::contains);
  }

  private void inspect(Node node) {
    if (RandomOps.draws(node.function())) {
      return; // refused for everything behind it and before it
    }
    Rule rule = rules.apply(node);
    try {
      rule.check(context(node));
    } catch (UnsupportedOpException refused) {
      first.put(node, new Obstacle(refused.reason(), refused.remedy()));
      return;
    }
    Optional<Obstacle> numbers = rowNumbers.obstacle(node);
    if (numbers.isPresent()) {
      first.put(node, numbers.get());
      return;
    }
    String coupling = coupling(node);
    if (coupling != null) {
      String remedy =
          "use an op that treats samples apart (batch normalisation with fixed statistics, say)";
      (rule.vjpHandlesCoupling() ? second : first)
          .put(node, new Obstacle(Refusal.COUPLED + ": " + coupling, remedy));
    }
  }

  /** How a node lets samples influence each other; null if it does not. */
  @Nullable String coupling(Node node) {
    return node.outputs().stream()
        .map(o -> graph.batchAxis(o).coupling())
        .filter(m -> m != null)
        .findFirst()
        .orElse(null);
  }

  /** Whether a loss depends on a parameter asked for by way of a variable, through derivatives. */
  boolean leads(String variable) {
    return leading.contains(variable);
  }

  /** Whether the gradient travels to an input. */
  boolean carriesGradient(Node node, int input) {
    return leads(node.inputs().get(input))
        && rules.apply(node).differentiable(context(node), input);
  }

  /** Variables through which given parameters are reached, these themselves included. */
  Set<String> reaching(Set<String> targets) {
    Set<String> reached = new HashSet<>(targets);
    for (Node node : graph.nodes()) {
      for (int k = 0; k < node.inputs().size(); k++) {
        if (reached.contains(node.inputs().get(k)) && carriesGradient(node, k)) {
          reached.addAll(node.outputs());
        }
      }
    }
    return reached;
  }

  /** Nodes that let samples influence each other on the gradient's way, with what they do. */
  Map<Node, Obstacle> mixingNodes() {
    Map<Node, Obstacle> found = new LinkedHashMap<>();
    second.forEach(
        (node, obstacle) -> {
          if (!lossReduction(node)) {
            found.put(node, obstacle);
          }
        });
    return found;
  }

  /** Whether a reduction only adds up the samples' losses. */
  private boolean lossReduction(Node node) {
    return node.outputs().stream().allMatch(this::affineToLoss);
  }

  private boolean affineToLoss(String variable) {
    if (losses.contains(variable)) {
      return true;
    }
    List<Node> readers = graph.readers(variable).stream().filter(this::passed).toList();
    return !readers.isEmpty()
        && readers.stream()
            .allMatch(
                n ->
                    AffineOps.contains(n.op())
                        && n.outputs().stream().allMatch(this::affineToLoss));
  }
}
