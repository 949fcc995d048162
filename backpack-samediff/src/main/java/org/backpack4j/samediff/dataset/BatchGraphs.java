package org.backpack4j.samediff.dataset;

import java.util.Map;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.internal.dataset.OneGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The extended graph for each batch of a data set: the same for all, or, of a network whose graph
 * depends on the shapes of masks, one for each kind of batch. All graphs have the same quantities,
 * and losses that divide by the same.
 */
public interface BatchGraphs {
  /**
   * A batch as a graph evaluates it.
   *
   * @param graph the graph
   * @param feeds an array for each of its placeholders
   */
  record GraphBatch(ExtendedGraph graph, Map<String, INDArray> feeds) {}

  /**
   * One graph for all batches.
   *
   * @param graph an extended graph
   * @return the same graph for each batch, fed as its training configuration says
   */
  static BatchGraphs same(ExtendedGraph graph) {
    return new OneGraph(graph);
  }

  /**
   * The graph for a batch.
   *
   * @param batch features and labels
   * @return the graph, and what it is fed
   */
  GraphBatch of(MultiDataSet batch);

  /**
   * The graph for feeds.
   *
   * @param feeds an array for each placeholder
   * @return the graph, and what it is fed
   * @throws IllegalArgumentException if there is no graph that they are feeds of
   */
  GraphBatch of(Map<String, INDArray> feeds);

  /**
   * What results depend on beside the data, so that a checkpoint of something else is refused.
   *
   * @return a digest for each of what may differ, by what it is called, such as {@code graph}
   */
  Map<String, String> identity();

  /**
   * What another Java machine needs to make the same graphs, parameters as they are now.
   *
   * @return the recipe
   * @throws UnsupportedOperationException if these graphs can be had here alone
   */
  default GraphRecipe recipe() {
    throw new UnsupportedOperationException(
        getClass().getName()
            + " does not say how its graphs are made elsewhere: override recipe(), or hand a"
            + " GraphRecipe over.");
  }
}
