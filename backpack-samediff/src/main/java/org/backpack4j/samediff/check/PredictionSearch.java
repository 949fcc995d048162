package org.backpack4j.samediff.check;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.ir.Likelihoods;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * Finds the predictions of a graph: what SameDiff's loss ops compare with labels, whether their
 * results are the loss or are scaled and added first, and what goes into a softmax or sigmoid whose
 * logarithms alone are read.
 */
final class PredictionSearch {
  private PredictionSearch() {}

  /**
   * The predictions (of every loss op that the losses are computed from) that depend on parameters.
   * If the loss is one of a difference and its labels depend on parameters, these count as
   * predictions.
   *
   * @return their names; none if there is no loss op
   * @throws IllegalArgumentException if other arguments of a loss op depend on parameters
   */
  static List<String> find(
      SameDiff graph, Collection<String> losses, Collection<String> parameters) {
    Dependencies origins = Dependencies.of(graph, losses, parameters, List.of());
    Likelihoods likelihoods = Likelihoods.of(graph, losses);
    Set<String> predictions = new LinkedHashSet<>();
    Deque<String> open = new ArrayDeque<>(losses);
    Set<String> seen = new HashSet<>(losses);
    while (!open.isEmpty()) {
      SameDiffOp node = origins.producer(open.remove());
      if (node == null) {
        continue;
      }
      String argument = likelihood(node, likelihoods);
      @Nullable LossOp loss = LossOp.of(node);
      if (argument != null) {
        if (origins.fromParameters(argument)) {
          predictions.add(argument);
        }
      } else if (loss == null) {
        Dependencies.inputs(node).stream().filter(seen::add).forEach(open::add);
      } else {
        predictions.addAll(predictions(node, loss, origins));
      }
    }
    return List.copyOf(predictions);
  }

  /** What goes into a softmax or sigmoid whose answer is only there for a node's logarithm. */
  private static @Nullable String likelihood(SameDiffOp node, Likelihoods likelihoods) {
    Likelihoods.@Nullable Likelihood found =
        Dependencies.inputs(node).isEmpty()
            ? null
            : likelihoods.behind(node.getName(), Dependencies.inputs(node).get(0));
    return found == null || !found.sole() ? null : found.argument();
  }

  private static Set<String> predictions(SameDiffOp node, LossOp loss, Dependencies origins) {
    for (String name : loss.fixed(node)) {
      if (origins.fromParameters(name)) {
        throw new IllegalArgumentException(
            "The argument \""
                + name
                + "\" of the loss op \""
                + node.getName()
                + "\" ("
                + node.getOp().opName()
                + ") depends on parameters, as only its predictions may: leave these parameters out"
                + " with .parameters(…), or name all that the loss is a function of with"
                + " .predictions(…).");
      }
    }
    Set<String> predictions = new LinkedHashSet<>();
    if (origins.fromParameters(loss.predictions(node))) {
      predictions.add(loss.predictions(node));
    }
    if (loss.ofDifference() && origins.fromParameters(loss.labels(node))) {
      predictions.add(loss.labels(node));
    }
    return predictions;
  }
}
