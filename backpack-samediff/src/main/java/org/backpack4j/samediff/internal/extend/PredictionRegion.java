package org.backpack4j.samediff.internal.extend;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.AffineOps;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Likelihoods;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.LossRule;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.jspecify.annotations.Nullable;

/**
 * Between predictions and losses: where the columns of the generalised Gauss-Newton matrix start.
 * Inside it they travel towards the predictions alone.
 */
final class PredictionRegion extends CurvedRegion {
  private final List<String> losses;
  private final Set<Node> inFront = new HashSet<>();

  private PredictionRegion(
      Annotations graph, Function<Node, Rule> rules, List<String> losses, GradientWay way) {
    super(graph, rules, losses, way);
    this.losses = losses;
  }

  /** A region without nodes: no columns start. */
  static CurvedRegion none(
      Annotations graph, Function<Node, Rule> rules, List<String> losses, GradientWay way) {
    return new PredictionRegion(graph, rules, losses, way);
  }

  /** The region behind given predictions; behind those that the loss ops know, if none is given. */
  static CurvedRegion behind(
      List<String> predictions,
      Annotations graph,
      Function<Node, Rule> rules,
      List<String> losses,
      GradientWay way) {
    PredictionRegion region = new PredictionRegion(graph, rules, losses, way);
    region.find(predictions);
    region.joinLikelihoods();
    return region;
  }

  @Override
  Set<Integer> active(Node node) {
    return IntStream.range(0, node.inputs().size())
        .filter(k -> fromPredictions.contains(node.inputs().get(k)))
        .boxed()
        .collect(Collectors.toSet());
  }

  @Override
  boolean carries(Node node, int input) {
    return !nodes.contains(node) || fromPredictions.contains(node.inputs().get(input));
  }

  @Override
  boolean beside(Node node, int input) {
    return nodes.contains(node) && !fromPredictions.contains(node.inputs().get(input));
  }

  private void find(List<String> named) {
    if (named.isEmpty()) {
      losses.forEach(this::descend);
      for (Node node : graph.nodes()) {
        if (inFront.contains(node)) {
          fromPredictions.addAll(node.outputs());
          nodes.add(node);
          inspect(node, rules.apply(node), active(node));
        }
      }
      return;
    }
    for (String prediction : named) {
      if (graph.producer(prediction) == null && !graph.batchAxis(prediction).hasSamples()) {
        throw new IllegalArgumentException(
            "The prediction \"" + prediction + "\" is not computed by the graph.");
      }
    }
    predictions.addAll(named);
    fromPredictions.addAll(named);
    for (Node node : graph.nodes()) {
      Rule rule = rules.apply(node);
      Set<Integer> active = active(node);
      if (active.stream().anyMatch(k -> rule.differentiable(way.context(node), k))) {
        node.outputs().stream()
            .filter(predictions::contains)
            .findFirst()
            .ifPresent(
                o -> {
                  throw new IllegalArgumentException(
                      "The prediction \""
                          + o
                          + "\" depends on another prediction: name predictions that do not.");
                });
        fromPredictions.addAll(node.outputs());
        nodes.add(node);
        inspect(node, rule, active);
      }
    }
    for (String loss : losses) {
      if (way.leads(loss)
          && !fromPredictions.contains(loss)
          && graph.batchAxis(loss).kind() != BatchAxis.Kind.UNBATCHED) {
        Node node = graph.producer(loss);
        if (node != null) {
          obstacles.put(
              node,
              new Obstacle(
                  "the loss does not depend on the predictions named", "name all predictions"));
        }
      }
    }
  }

  /** Starts in front of the function whose answer a node takes the logarithm of, if it has one. */
  private boolean startInFront(Node logarithm) {
    Likelihoods.@Nullable Likelihood found =
        likelihoods.behind(logarithm.name(), logarithm.inputs().get(0));
    if (found == null || !way.leads(found.argument())) {
      return false;
    }
    if (!found.sole() && !(rules.apply(logarithm) instanceof LossRule)) {
      return false; // a loss that is written out has to have its predictions named
    }
    if (!found.sole()) {
      notes.add(
          logarithm
              + ": second-order quantities start behind the "
              + found.function().getOp().opName()
              + " that it takes the logarithm of, at the probabilities, since other ops read them"
              + " as well. The curvature is another there; predictions(…) chooses where it"
              + " starts.");
      return false;
    }
    predictions.add(found.argument());
    fromPredictions.add(found.argument());
    Set<String> names = found.nodes();
    graph.nodes().stream().filter(n -> names.contains(n.name())).forEach(inFront::add);
    return true;
  }

  /** From a loss through factors and sums to the loss ops, whose predictions are known. */
  private void descend(String variable) {
    Node node = graph.producer(variable);
    if (!way.leads(variable) || graph.batchAxis(variable).kind() == BatchAxis.Kind.UNBATCHED) {
      return; // a penalty, or no term of the parameters at all
    }
    if (node == null) {
      return;
    }
    Rule rule = rules.apply(node);
    Set<Integer> leadingInputs =
        IntStream.range(0, node.inputs().size())
            .filter(
                k -> way.leads(node.inputs().get(k)) && rule.differentiable(way.context(node), k))
            .boxed()
            .collect(Collectors.toSet());
    if (!nodes.add(node)) {
      return;
    }
    if (rule instanceof LossRule loss) {
      boolean before = node.op().equals("log_loss") && startInFront(node);
      for (int k : before ? Set.<Integer>of() : loss.predictions()) {
        String prediction = node.inputs().get(k);
        if (way.leads(prediction)) {
          predictions.add(prediction);
          fromPredictions.add(prediction);
        }
      }
      fromPredictions.addAll(node.outputs());
      try {
        loss.checkHessianRoot(way.context(node), leadingInputs);
      } catch (UnsupportedOpException refused) {
        obstacles.put(node, new Obstacle(refused.reason(), refused.remedy()));
      }
    } else if (node.op().equals("log") && startInFront(node)) {
      fromPredictions.addAll(node.outputs());
    } else if (AffineOps.contains(node.op())
        && rule.hasZeroHessian(way.context(node), sampled(node, leadingInputs))) {
      leadingInputs.forEach(k -> descend(node.inputs().get(k)));
      fromPredictions.addAll(node.outputs());
    } else {
      nodes.remove(node);
      withoutPredictions.add(node);
      obstacles.put(
          node,
          new Obstacle(
              "the loss is not one of SameDiff's loss ops",
              "name its predictions: BackPack.on(sd).predictions(…)"));
    }
  }

  /** The inputs that depend on samples: in those the loss must be linear. */
  private Set<Integer> sampled(Node node, Set<Integer> inputs) {
    return inputs.stream()
        .filter(k -> graph.batchAxis(node.inputs().get(k)).kind() != BatchAxis.Kind.UNBATCHED)
        .collect(Collectors.toSet());
  }
}
