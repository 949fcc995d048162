package org.backpack4j.samediff.internal.extend;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;

/**
 * The last look at an extension: every way by which a parameter acts on the losses must have ended
 * in something that was emitted for each sample, or be told as a penalty; what is refused is not
 * asked for here. The ways are followed in the graph itself, by shapes and by what depends on what
 * is fed, whatever the plan and the rules' batchAxes say. What was lost would be zeros that look
 * like results: it is an error of this library, and ends the extension.
 */
final class DataFlowCheck {
  private final Annotations graph;
  private final Function<Node, Rule> rules;

  /** What differs from sample to sample, or was computed from what does. */
  private final Set<String> sampled = new HashSet<>();

  DataFlowCheck(Annotations graph, Function<Node, Rule> rules) {
    this.graph = graph;
    this.rules = rules;
    for (Node node : graph.nodes()) {
      boolean fed = node.inputs().stream().anyMatch(this::isFed);
      for (String output : node.outputs()) {
        if (grows(output) || (fed && !graph.isSettled(output))) {
          sampled.add(output);
        }
      }
    }
  }

  private boolean isFed(String variable) {
    return sampled.contains(variable) || (graph.producer(variable) == null && grows(variable));
  }

  private boolean grows(String variable) {
    return graph.dims(variable).sampleAxis() >= 0;
  }

  /** Whether something travels from a node's outputs, among them a live one, to an input. */
  private boolean passes(Node node, int input, Set<String> live) {
    String variable = node.inputs().get(input);
    return graph.type(variable).isFPType()
        && node.outputs().stream().anyMatch(o -> live.contains(o) && graph.type(o).isFPType())
        && rules.apply(node).differentiable(new NodeContext(graph, node), input);
  }

  /** Everything on whose way some variables are, those themselves included. */
  private Set<String> before(Collection<String> variables, Set<String> walls) {
    Set<String> live = new HashSet<>(variables);
    live.removeAll(walls);
    List<Node> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      for (int k = 0; k < node.inputs().size(); k++) {
        String input = node.inputs().get(k);
        if (!walls.contains(input) && !live.contains(input) && passes(node, k, live)) {
          live.add(input);
        }
      }
    }
    return live;
  }

  /**
   * A use of a variable that is the same for all samples: whether its samples' parts came apart.
   */
  private interface Use {
    boolean arrived(Node node, int input, boolean amongSamples);
  }

  /**
   * For each variable that is the same for all samples a way to where something is missing; none
   * for those of which all has arrived.
   */
  private Map<String, String> missing(Set<String> live, Use use) {
    Map<String, String> missing = new HashMap<>();
    List<Node> nodes = graph.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node node = nodes.get(i);
      for (int k = 0; k < node.inputs().size(); k++) {
        String input = node.inputs().get(k);
        if (isFed(input) || missing.containsKey(input) || !passes(node, k, live)) {
          continue;
        }
        boolean among = node.outputs().stream().anyMatch(o -> live.contains(o) && isFed(o));
        if (!use.arrived(node, k, among)) {
          missing.put(input, "\"" + input + "\" → " + node);
        } else if (!among) {
          node.outputs().stream()
              .map(missing::get)
              .filter(way -> way != null)
              .findFirst()
              .ifPresent(way -> missing.put(input, "\"" + input + "\" → " + way));
        }
      }
    }
    return missing;
  }

  /**
   * Checks the gradient.
   *
   * @param sweep its sweep, which has run
   * @param losses where it started
   * @param parameters the parameters whose gradient was asked for
   * @param apart those of them whose gradient of each sample must have come, since one was asked
   *     for and what came as a sum over the samples is not told as a penalty
   */
  void checkGradient(
      ReversePass sweep,
      Collection<String> losses,
      Collection<String> parameters,
      Set<String> apart) {
    Set<String> live = before(losses, Set.of());
    Map<String, String> never = missing(live, (node, k, among) -> sweep.passed(node, k));
    Map<String, String> sums =
        missing(live, (node, k, among) -> !among || sweep.passedApart(node, k));
    parameters.forEach(p -> fail(p, "gradient", never.get(p)));
    apart.forEach(p -> fail(p, "gradient of each sample", sums.get(p)));
  }

  /**
   * Checks columns of a second-order quantity.
   *
   * @param sweeps their sweeps, which have run
   * @param seeds where they started
   * @param parameters the parameters whose quantities of these columns were asked for
   */
  void checkColumns(
      Collection<ReversePass> sweeps, Collection<String> seeds, Collection<String> parameters) {
    Map<String, String> missing =
        missing(
            before(seeds, Set.of()),
            (node, k, among) ->
                sweeps.stream().anyMatch(s -> among ? s.passedApart(node, k) : s.passed(node, k)));
    parameters.forEach(p -> fail(p, "curvature", missing.get(p)));
  }

  /**
   * Checks that parameters act on the losses by way of the predictions alone, penalties aside.
   *
   * @param gradient the gradient's sweep, which has run
   * @param losses the losses
   * @param predictions where the columns of second-order quantities end up
   * @param parameters the parameters of which a second-order quantity was asked for
   */
  void checkPredictions(
      ReversePass gradient,
      Collection<String> losses,
      Set<String> predictions,
      Collection<String> parameters) {
    Map<String, String> beside =
        missing(
            before(losses, predictions),
            (node, k, among) -> !among || !gradient.passedApart(node, k));
    parameters.forEach(p -> fail(p, "curvature", beside.get(p)));
  }

  private static void fail(
      String parameter, String what, @org.jspecify.annotations.Nullable String way) {
    if (way != null) {
      throw new IllegalStateException(
          "This is an error of BackPACK for Deeplearning4j, please report it with the graph: of the"
              + " "
              + what
              + " of \""
              + parameter
              + "\" a part was lost, by way of "
              + way
              + ", and nothing refused it. Leave the parameter out to go on.");
    }
  }
}
