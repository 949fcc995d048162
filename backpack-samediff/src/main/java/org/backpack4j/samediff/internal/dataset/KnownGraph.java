package org.backpack4j.samediff.internal.dataset;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchWeights;
import org.backpack4j.samediff.extension.Combination;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What is known of a graph.
 *
 * @param quantities what is gathered of it, by the names of outputs
 * @param weights what its losses divide by
 */
record KnownGraph(Map<String, Quantity> quantities, BatchWeights weights) {
  /**
   * A graph.
   *
   * @param rows whether rows of samples are handed on
   * @param expected the number of samples in the data set; −1 if it is not known
   * @param wanted says of the name of an output whether it is gathered
   * @throws IllegalArgumentException if rows cannot be had before the data set's end
   */
  static KnownGraph of(ExtendedGraph graph, boolean rows, long expected, Predicate<String> wanted) {
    BatchWeights weights = graph.batchWeights();
    Map<String, Quantity> quantities = Quantity.of(graph, rows, wanted);
    boolean scaled =
        quantities.values().stream()
            .anyMatch(q -> q.is(Combination.Kind.ROWS) && q.combination().degree() != 0);
    if (scaled && !weights.sums() && (expected < 0 || !weights.counted())) {
      throw new IllegalArgumentException(
          "The loss is a mean, so that what there is of each sample depends on how many samples (or"
              + " what weights) the whole data set has, which is not known before its end: "
              + (weights.counted() ? "say how many by samples(…), or " : "")
              + "let the loss add up (LossReduce.SUM).");
    }
    return new KnownGraph(quantities, weights);
  }

  /** Whether a quantity is a mean over samples, which have to be of one shape then. */
  boolean averages() {
    return has(Combination.Kind.MEAN);
  }

  /** Whether a quantity is of a kind. */
  boolean has(Combination.Kind kind) {
    return quantities.values().stream().anyMatch(q -> q.is(kind));
  }

  /** The number of samples in a batch, which may be none. */
  static long count(ExtendedGraph graph, Map<String, INDArray> feeds) {
    for (Map.Entry<String, Integer> axis : graph.sampleAxes().entrySet()) {
      INDArray array = feeds.get(axis.getKey());
      if (array != null) {
        if (array.rank() <= axis.getValue()) {
          throw new IllegalArgumentException(
              "\""
                  + axis.getKey()
                  + "\" is fed an array of shape "
                  + Arrays.toString(array.shape())
                  + ", which has no axis "
                  + axis.getValue()
                  + " for the samples.");
        }
        return array.size(axis.getValue());
      }
    }
    throw new IllegalArgumentException(
        "No placeholder with a sample axis is fed: feed the graph's inputs.");
  }

  /** The quantities, losses, and what these divide by. */
  Map<String, INDArray> evaluate(ExtendedGraph graph, Map<String, INDArray> feeds) {
    Set<String> names = new LinkedHashSet<>(quantities.keySet());
    names.addAll(weights.variables());
    names.addAll(graph.sameDiff().getLossVariables());
    return graph.output(feeds, names);
  }

  /** The losses among the results. */
  List<String> losses(Map<String, INDArray> results) {
    return results.keySet().stream()
        .filter(n -> !quantities.containsKey(n))
        .filter(n -> !weights.variables().contains(n))
        .toList();
  }
}
