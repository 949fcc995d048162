package org.backpack4j.samediff.internal.extend;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.LossRule;
import org.jspecify.annotations.Nullable;

/** What stands in the way of each parameter's quantities. */
final class Obstacles {
  private final Annotations graph;
  private final Function<Node, Rule> rules;
  private final GradientWay way;
  private final CurvedRegion region;
  private final ParameterReach reach;
  private final Penalties penalties;

  Obstacles(
      Annotations graph,
      Function<Node, Rule> rules,
      GradientWay way,
      CurvedRegion region,
      ParameterReach reach,
      Penalties penalties) {
    this.graph = graph;
    this.rules = rules;
    this.way = way;
    this.region = region;
    this.reach = reach;
    this.penalties = penalties;
  }

  /** The kinds of quantities, by what they need. */
  enum Kind {
    /** The gradient alone. */
    GRADIENT,
    /** The gradient, samples apart. */
    ROWS,
    /** Columns of a second-order quantity. */
    COLUMNS,
    /** Columns that start at the predictions, whatever the loss makes of these. */
    JACOBIAN;

    boolean secondOrder() {
      return this == COLUMNS || this == JACOBIAN;
    }
  }

  /**
   * The obstacles for a kind of quantity: for each parameter that has some, the nodes in the order
   * of the graph. A node is looked at once, for all parameters that reach it.
   */
  Map<String, Map<Node, Obstacle>> of(Kind kind) {
    Map<String, Map<Node, Obstacle>> found = new LinkedHashMap<>();
    Set<String> lost =
        through(kind == Kind.COLUMNS ? region.obstacles.keySet() : region.withoutPredictions);
    Set<String> nameless = kind.secondOrder() ? through(region.withoutPredictions) : Set.of();
    for (Node node : graph.nodes()) {
      if (!way.passed(node)) {
        continue;
      }
      for (int k = 0; k < node.inputs().size(); k++) {
        if (reach.arrivesAt(node, k)) {
          Function<String, Obstacle> onTheWay = onTheWay(node, k, kind);
          boolean beside = kind == Kind.COLUMNS && beside(node, k);
          if (beside || onTheWay != null) {
            for (String p : reach.into(node, k)) {
              put(found, p, node, onTheWay == null ? null : onTheWay.apply(p));
              put(found, p, node, beside && !nameless.contains(p) ? besidePredictions(p) : null);
            }
          }
        }
      }
      Obstacle meeting = kind.secondOrder() ? region.atMeeting(node) : null;
      if (meeting != null) {
        region.meetingAt(node).forEach(p -> put(found, p, node, meeting));
      }
      Obstacle any = inTheWay(node, kind);
      Obstacle coupling = kind.secondOrder() ? mixingOutsideRegion(node) : null;
      if (any != null || coupling != null) {
        for (String parameter : reach.through(node)) {
          put(found, parameter, node, any);
          if (!lost.contains(parameter) && !in(found, parameter, node)) {
            put(found, parameter, node, coupling);
          }
        }
      }
    }
    return found;
  }

  private static void put(
      Map<String, Map<Node, Obstacle>> found,
      String parameter,
      Node node,
      @Nullable Obstacle obstacle) {
    if (obstacle != null) {
      found.computeIfAbsent(parameter, p -> new LinkedHashMap<>()).put(node, obstacle);
    }
  }

  private static boolean in(Map<String, Map<Node, Obstacle>> found, String parameter, Node node) {
    return found.getOrDefault(parameter, Map.of()).containsKey(node);
  }

  /**
   * The parameters that reach one of some nodes. Those that reach an obstacle in the loss region
   * are not told that samples influence each other there: where the region is not known, what
   * belongs to the loss would be blamed. Nor are those whose predictions are not named told that
   * they enter the loss beside the predictions.
   */
  private Set<String> through(Set<Node> nodes) {
    Set<String> parameters = new HashSet<>();
    nodes.forEach(node -> parameters.addAll(reach.through(node)));
    return parameters;
  }

  private static Obstacle besidePredictions(String parameter) {
    return new Obstacle(
        "the loss depends on \"" + parameter + "\" otherwise than through the predictions",
        "name all predictions, or leave the parameter out");
  }

  /** What keeps a parameter that arrives at an input from going on; null if nothing does. */
  private @Nullable Function<String, Obstacle> onTheWay(Node node, int input, Kind kind) {
    if (kind == Kind.GRADIENT) {
      return null;
    }
    Rule rule = rules.apply(node);
    if (coupled(node, rule, input, kind)) {
      return parameter ->
          new Obstacle(
              "\""
                  + parameter
                  + "\" acts on all samples at once, by a value that was computed from all of them:"
                  + " what belongs to each sample is not defined",
              "compute that value from each sample alone, feed it by a placeholder of a fixed"
                  + " shape, or leave the parameter out");
    }
    if (sumAlone(node, rule, input)) {
      Obstacle sum =
          new Obstacle(
              "its gradient with respect to \""
                  + node.inputs().get(input)
                  + "\" is known as a sum over the samples alone",
              "leave the parameter out, or write the op with simpler ones");
      return parameter -> sum;
    }
    return null;
  }

  /** Whether an input enters the loss beside the predictions, and not as a penalty. */
  private boolean beside(Node node, int input) {
    return region.beside(node, input) && !penalties.isPenalty(node, input);
  }

  /** Reductions over the samples inside the region are what makes a loss of their losses. */
  private @Nullable Obstacle mixingOutsideRegion(Node node) {
    return region.nodes.contains(node) ? null : way.mixing(node);
  }

  /** What keeps every parameter that arrives at a node from going on. */
  private @Nullable Obstacle inTheWay(Node node, Kind kind) {
    Obstacle any = way.obstacle(node);
    if (any != null || !kind.secondOrder()) {
      return any;
    }
    return kind == Kind.COLUMNS || region.withoutPredictions.contains(node)
        ? region.obstacles.get(node)
        : null;
  }

  private boolean sumAlone(Node node, Rule rule, int input) {
    return graph.batchAxis(node.inputs().get(input)).kind() == BatchAxis.Kind.UNBATCHED
        && !rule.keepsSamplesSeparate(way.context(node), input);
  }

  /**
   * Whether a parameter enters a value that was computed from all samples, other than as a penalty:
   * what comes back is then a sum over the samples, whatever is made of it.
   */
  private boolean coupled(Node node, Rule rule, int input, Kind kind) {
    if (rule instanceof LossRule loss) {
      return kind == Kind.ROWS && loss.couples(way.context(node), input);
    }
    return graph.batchAxis(node.inputs().get(input)).kind() == BatchAxis.Kind.UNBATCHED
        && node.outputs().stream()
            .anyMatch(o -> graph.batchAxis(o).kind() == BatchAxis.Kind.REDUCED)
        && !(kind.secondOrder() && rule.addsSamplesUp(way.context(node)))
        && !penalties.isPenalty(node, input);
  }
}
