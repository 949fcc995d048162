package org.backpack4j.samediff.check;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Where a graph is cut into a network and a loss.
 *
 * @param outputs the variables of which the loss is a function, penalties aside
 * @param curved whether the loss's second derivatives in them make a Gauss-Newton matrix: they do
 *     not where a term that is written out was cut behind its last non-linear op, for want of
 *     predictions
 */
record NetworkLossSplit(List<String> outputs, boolean curved) {

  /**
   * Cuts at the predictions that the person names.
   *
   * @throws IllegalArgumentException if the loss is not a function of them
   */
  static NetworkLossSplit at(
      SameDiff graph,
      Collection<String> losses,
      Collection<String> parameters,
      List<String> predictions) {
    Dependencies origins = Dependencies.of(graph, losses, parameters, predictions);
    if (losses.stream().noneMatch(origins::fromPredictions)) {
      throw new IllegalArgumentException(
          "The loss " + losses + " does not depend on the predictions " + predictions + ".");
    }
    List<String> more = LossTerms.beside(graph, losses, parameters, predictions);
    if (!more.isEmpty()) {
      throw new IllegalArgumentException(
          "Parameters enter the loss beside the predictions "
              + predictions
              + ", by "
              + more
              + ": name all variables that the loss is a function of, as in"
              + " .predictions(\"logits\", \"hidden\"), or leave the parameters out with"
              + " .parameters(…).");
    }
    return new NetworkLossSplit(predictions, true);
  }

  /**
   * Finds where to cut: at the predictions of loss ops, and in terms that are written out, behind
   * the last op that is not linear.
   *
   * @throws IllegalArgumentException if the loss depends on parameters and data in no way that can
   *     be cut
   */
  static NetworkLossSplit find(
      SameDiff graph, Collection<String> losses, Collection<String> parameters) {
    List<String> predictions = PredictionSearch.find(graph, losses, parameters);
    List<String> more = LossTerms.beside(graph, losses, parameters, predictions);
    Set<String> all = new LinkedHashSet<>(predictions);
    all.addAll(more);
    if (all.isEmpty()) {
      throw new IllegalArgumentException(
          "The loss "
              + losses
              + " has no term that depends on the data and on a parameter of "
              + parameters
              + ": choose other parameters or another loss.");
    }
    return new NetworkLossSplit(List.copyOf(all), more.isEmpty());
  }
}
