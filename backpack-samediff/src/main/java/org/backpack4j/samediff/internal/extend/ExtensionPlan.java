package org.backpack4j.samediff.internal.extend;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.LogLikelihood;
import org.jspecify.annotations.Nullable;

/**
 * Pass 4: which cotangents have to travel where, and what stands in their way. Nothing is inserted
 * yet.
 *
 * <p>The gradient travels from the losses to every parameter asked for ({@link GradientWay}). The
 * columns of second-order quantities start in the loss region, at the nodes between predictions and
 * losses that are not linear ({@link CurvedRegion}), and travel from the predictions to the
 * parameters.
 */
final class ExtensionPlan {
  private final GradientWay way;
  private final CurvedRegion region;
  private final Obstacles obstacles;

  ExtensionPlan(
      Annotations graph,
      Function<Node, Rule> rules,
      List<String> losses,
      Set<String> parameters,
      List<String> namedPredictions,
      Start start) {
    this.way = new GradientWay(graph, rules, losses, parameters);
    Penalties penalties = new Penalties(graph, rules);
    ParameterReach reach = new ParameterReach(graph, rules, parameters);
    this.region =
        switch (start) {
          case NOWHERE -> PredictionRegion.none(graph, rules, losses, way);
          case PREDICTIONS -> PredictionRegion.behind(namedPredictions, graph, rules, losses, way);
          case EVERYWHERE, EVERY_PAIR ->
              new HessianRegion(
                  start == Start.EVERY_PAIR, graph, rules, losses, way, reach, penalties);
        };
    this.obstacles = new Obstacles(graph, rules, way, region, reach, penalties);
  }

  /** Where the columns of second-order quantities start. */
  enum Start {
    /** There are none. */
    NOWHERE,
    /** Between predictions and losses: those of the generalised Gauss-Newton matrix. */
    PREDICTIONS,
    /** At every op that is not linear: those of the Hessian's diagonal. */
    EVERYWHERE,
    /** The same, and at every pair of an activation and a weight: those of the whole Hessian. */
    EVERY_PAIR
  }

  /** Whether a loss depends on a parameter asked for by way of a variable, through derivatives. */
  boolean leads(String variable) {
    return way.leads(variable);
  }

  /** Whether the gradient travels to an input. */
  boolean carriesGradient(Node node, int input) {
    return way.carriesGradient(node, input);
  }

  /** Variables through which given parameters are reached, these themselves included. */
  Set<String> reaching(Set<String> targets) {
    return way.reaching(targets);
  }

  /** Nodes that let samples influence each other on the gradient's way, with what they do. */
  Map<Node, Obstacle> mixingNodes() {
    return way.mixingNodes();
  }

  /** What the losses are functions of; empty where no second-order quantity is asked for. */
  Set<String> predictions() {
    return region.predictions();
  }

  /** Whether a variable is computed from the predictions. */
  boolean isBehindPredictions(String variable) {
    return region.isBehindPredictions(variable);
  }

  /** The nodes between predictions and losses, in order. */
  List<Node> region() {
    return region.inOrder();
  }

  /** The inputs of a node that depend on the predictions; of the Hessian, all that vary. */
  Set<Integer> active(Node node) {
    return region.active(node);
  }

  /** Whether columns travel to an input: inside the loss region only towards the predictions. */
  boolean carriesColumns(Node node, int input) {
    return way.carriesGradient(node, input) && region.carries(node, input);
  }

  /** The function of a node together with the loss's logarithms; null if it stands for itself. */
  @Nullable LogLikelihood likelihood(Node node) {
    return region.likelihood(node);
  }

  /** Whether what a node adds to the curvature is part of a {@link #likelihood}. */
  boolean joined(Node node) {
    return region.joined(node);
  }

  /** Nodes of which an activation and a weight vary, and whose mixed derivative is a VJP. */
  Set<Node> bilinear() {
    return region.bilinear();
  }

  /**
   * The obstacles for a kind of quantity: for each parameter that has some, the nodes in the order
   * of the graph.
   */
  Map<String, Map<Node, Obstacle>> obstacles(Obstacles.Kind kind) {
    return obstacles.of(kind);
  }

  /** What is to be told, not to be refused. */
  List<String> notes() {
    return Stream.concat(way.notes().stream(), region.notes.stream()).toList();
  }
}
