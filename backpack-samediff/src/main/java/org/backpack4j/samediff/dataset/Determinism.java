package org.backpack4j.samediff.dataset;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.internal.dataset.Batches;
import org.backpack4j.samediff.internal.dataset.TwoPasses;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Whether two passes over a data set give the same samples, the same loss and the same gradient.
 * Where they do not, a curvature matrix is another one at each product, and a solver or an
 * estimator answers with noise.
 *
 * <p>Each sample of both passes is hashed, alone and by placeholder: that tells an iterator that
 * shuffles (the same samples, in another order) from one that augments (some placeholders have
 * other entries). If the samples are the same and the results are not, one batch is evaluated
 * twice, and the parameters are compared. That batches influence results, and that a graph draws
 * numbers (dropout), is told by the graph.
 *
 * @param causes what makes passes differ, a sentence for each cause; none if they are the same
 */
public record Determinism(List<String> causes) {
  /**
   * Checks feeds of one graph.
   *
   * @param graph the extended graph
   * @param feeds for each batch an array for each placeholder
   * @return what was found
   */
  public static Determinism of(ExtendedGraph graph, Iterable<Map<String, INDArray>> feeds) {
    return of(BatchGraphs.same(graph), feeds::iterator);
  }

  private static Determinism of(
      BatchGraphs graphs, Supplier<Iterator<Map<String, INDArray>>> feeds) {
    return new Determinism(TwoPasses.causes(graphs, () -> Batches.of(feeds.get())));
  }

  /**
   * Checks an iterator.
   *
   * @param graphs the graph for each batch
   * @param iterator the data set; it is reset before each pass
   * @return what was found
   * @throws IllegalArgumentException if the iterator cannot be reset
   */
  public static Determinism of(BatchGraphs graphs, DataSetIterator iterator) {
    checkReset(iterator.resetSupported());
    return new Determinism(TwoPasses.causes(graphs, () -> Batches.of(iterator)));
  }

  /**
   * Checks an iterator.
   *
   * @param graphs the graph for each batch
   * @param iterator the data set; it is reset before each pass
   * @return what was found
   * @throws IllegalArgumentException if the iterator cannot be reset
   */
  public static Determinism of(BatchGraphs graphs, MultiDataSetIterator iterator) {
    checkReset(iterator.resetSupported());
    return new Determinism(TwoPasses.causes(graphs, () -> Batches.of(iterator)));
  }

  private static void checkReset(boolean supported) {
    if (!supported) {
      throw new IllegalArgumentException(
          "The iterator cannot be reset, so that there is only one pass over it.");
    }
  }

  /**
   * Whether two passes are the same.
   *
   * @return true if nothing was found
   */
  public boolean holds() {
    return causes.isEmpty();
  }

  /**
   * Insists on it.
   *
   * @throws IllegalStateException if passes differ; it lists the causes
   */
  public void check() {
    if (!holds()) {
      throw new IllegalStateException(
          "Two passes over the data set are not the same:\n  - " + String.join("\n  - ", causes));
    }
  }
}
