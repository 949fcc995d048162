package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.ir.Node;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * What random numbers that the graph draws itself stand in the way of: everything of a parameter
 * whose gradient depends on them, the gradient too. Each evaluation would be of another draw than
 * the training's step, and would move ND4J's generator, which makes it another training.
 */
final class RandomDrawCheck {
  private final Annotations graph;

  /** Each op that draws, by the variables that depend on what it draws. */
  private final Map<String, Set<Node>> sources = new HashMap<>();

  RandomDrawCheck(Annotations graph) {
    this.graph = graph;
    for (Node node : graph.nodes()) {
      Set<Node> drawing = new LinkedHashSet<>();
      if (RandomOps.draws(node.function())) {
        drawing.add(node);
      }
      node.inputs().forEach(i -> drawing.addAll(sources.getOrDefault(i, Set.of())));
      if (!drawing.isEmpty() && !node.outputs().stream().allMatch(graph::isSettled)) {
        node.outputs().forEach(o -> sources.put(o, drawing));
      }
    }
  }

  /**
   * The refusals of all quantities of a parameter, one for each op that its gradient depends on.
   */
  List<Refusal> refusals(String parameter, ExtensionPlan plan) {
    if (sources.isEmpty()) {
      return List.of();
    }
    Set<String> reached = new HashSet<>(Set.of(parameter));
    Set<Node> found = new LinkedHashSet<>();
    for (Node node : graph.nodes()) {
      boolean passed =
          IntStream.range(0, node.inputs().size())
              .anyMatch(
                  k -> reached.contains(node.inputs().get(k)) && plan.carriesGradient(node, k));
      if (passed) {
        reached.addAll(node.outputs());
        if (!Penalties.isSum(node)) { // what comes back to a summand does not depend on the others
          node.outputs().forEach(o -> found.addAll(sources.getOrDefault(o, Set.of())));
        }
      }
    }
    List<Refusal> refusals = new ArrayList<>();
    found.forEach(node -> refusals.add(refusal(node.toString(), node.op())));
    return refusals;
  }

  /** What to tell where not even the shapes are known. */
  static List<Refusal> refusals(List<SameDiffOp> drawing) {
    return drawing.stream()
        .map(
            node -> {
              String op = node.getOp().opName();
              return refusal("\"" + RandomOps.label(node) + "\" (" + op + ")", op);
            })
        .toList();
  }

  private static Refusal refusal(String node, String op) {
    String what = op.contains("dropout") ? "drops entries at random" : "draws random numbers";
    return new Refusal(
        "*",
        node,
        "it "
            + what
            + ", others at each evaluation: nothing would be of the draw of a training's step, not"
            + " even the gradient, and ND4J's generator would move",
        RandomOps.REMEDY);
  }
}
