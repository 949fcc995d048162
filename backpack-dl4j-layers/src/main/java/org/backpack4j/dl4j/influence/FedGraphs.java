package org.backpack4j.dl4j.influence;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.function.Function;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Graphs that are fed more than the batch: vectors, bases, cotangents. */
final class FedGraphs implements BatchGraphs {
  private final BatchGraphs inner;
  private final Map<String, INDArray> fixed;
  private final Function<GraphBatch, Map<String, INDArray>> each;

  /** What is fed with every batch, of each graph's own types. */
  private final Map<ExtendedGraph, Map<String, INDArray>> typed = new WeakHashMap<>();

  private @Nullable ExtendedGraph last;

  private FedGraphs(
      BatchGraphs inner,
      Map<String, INDArray> fixed,
      Function<GraphBatch, Map<String, INDArray>> each) {
    this.inner = inner;
    this.fixed = fixed;
    this.each = each;
  }

  /**
   * The same arrays with every batch.
   *
   * @param fixed arrays by placeholder, of any floating type; those that a graph does not read are
   *     left aside
   */
  static FedGraphs of(BatchGraphs inner, Map<String, INDArray> fixed) {
    return new FedGraphs(inner, fixed, batch -> Map.of());
  }

  /**
   * The same arrays with every batch, and others that are made of the batch.
   *
   * @param each makes them of the graph and its feeds
   */
  static FedGraphs of(
      BatchGraphs inner,
      Map<String, INDArray> fixed,
      Function<GraphBatch, Map<String, INDArray>> each) {
    return new FedGraphs(inner, fixed, each);
  }

  /** The graph of the last batch. */
  ExtendedGraph last() {
    ExtendedGraph graph = last;
    if (graph == null) {
      throw new IllegalStateException("no batch was read");
    }
    return graph;
  }

  @Override
  public GraphBatch of(MultiDataSet batch) {
    return fed(inner.of(batch));
  }

  @Override
  public GraphBatch of(Map<String, INDArray> feeds) {
    return fed(inner.of(feeds));
  }

  private GraphBatch fed(GraphBatch batch) {
    last = batch.graph();
    Map<String, INDArray> all = new LinkedHashMap<>(batch.feeds());
    all.putAll(each.apply(batch));
    all.putAll(typed.computeIfAbsent(batch.graph(), this::typed));
    return new GraphBatch(batch.graph(), all);
  }

  private Map<String, INDArray> typed(ExtendedGraph graph) {
    SameDiff sd = graph.sameDiff();
    Map<String, INDArray> cast = new LinkedHashMap<>();
    fixed.forEach(
        (name, array) -> {
          if (sd.hasVariable(name)) {
            cast.put(name, array.castTo(sd.getVariable(name).dataType()));
          }
        });
    return cast;
  }

  @Override
  public Map<String, String> identity() {
    return inner.identity();
  }
}
