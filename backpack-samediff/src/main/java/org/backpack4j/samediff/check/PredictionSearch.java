package org.backpack4j.samediff.check;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * Finds the predictions of a graph: what SameDiff's loss ops compare with labels, whether their
 * results are the loss or are scaled and added first.
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
    Origins origins = Origins.of(graph, losses, parameters, List.of());
    Set<String> predictions = new LinkedHashSet<>();
    Deque<String> open = new ArrayDeque<>(losses);
    Set<String> seen = new HashSet<>(losses);
    while (!open.isEmpty()) {
      SameDiffOp node = origins.producer(open.remove());
      if (node == null) {
        continue;
      }
      @Nullable LossOp loss = LossOp.of(node);
      if (loss == null) {
        Origins.inputs(node).stream().filter(seen::add).forEach(open::add);
      } else {
        predictions.addAll(predictions(node, loss, origins));
      }
    }
    return List.copyOf(predictions);
  }

  private static Set<String> predictions(SameDiffOp node, LossOp loss, Origins origins) {
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
