package org.backpack4j.samediff.internal.dataset;

import java.util.Map;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.GraphRecipe;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** The same graph for each batch. */
public final class OneGraph implements BatchGraphs {
  private final ExtendedGraph graph;

  /** The graph. */
  public OneGraph(ExtendedGraph graph) {
    this.graph = graph;
  }

  @Override
  public GraphBatch of(MultiDataSet batch) {
    return of(graph.feeds(batch));
  }

  @Override
  public GraphBatch of(Map<String, INDArray> feeds) {
    return new GraphBatch(graph, feeds);
  }

  @Override
  public GraphRecipe recipe() {
    return graph.recipe();
  }

  @Override
  public Map<String, String> identity() {
    return Identity.of(graph.sameDiff());
  }
}
