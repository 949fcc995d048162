package org.backpack4j.dl4j.internal.trained;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.WeakHashMap;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Graphs that are fed more than the batch: vectors, bases, cotangents. */
public final class FedGraphs implements BatchGraphs {
  private final BatchGraphs inner;
  private final Map<String, INDArray> fixed;
  private final Look look;

  /** What is fed with every batch, of each graph's own types. */
  private final Map<ExtendedGraph, Map<String, INDArray>> typed = new WeakHashMap<>();

  private @Nullable ExtendedGraph last;

  /** Looks at each batch before it is evaluated. */
  public interface Look {
    /**
     * Looks at a batch.
     *
     * @param data the batch
     * @param batch its graph and feeds
     * @return arrays by placeholder that are fed beside it
     */
    Map<String, INDArray> at(MultiDataSet data, GraphBatch batch);
  }

  /**
   * The same arrays with every batch, and others that are made of the batch.
   *
   * @param fixed arrays by placeholder, of any floating type; those that a graph does not read are
   *     left aside
   */
  public FedGraphs(BatchGraphs inner, Map<String, INDArray> fixed, Look look) {
    this.inner = inner;
    this.fixed = fixed;
    this.look = look;
  }

  /** The same arrays with every batch. */
  public FedGraphs(BatchGraphs inner, Map<String, INDArray> fixed) {
    this(inner, fixed, (data, batch) -> Map.of());
  }

  /** The graph of the last batch. */
  public ExtendedGraph last() {
    ExtendedGraph graph = last;
    if (graph == null) {
      throw new IllegalStateException("no batch was read");
    }
    return graph;
  }

  @Override
  public GraphBatch of(MultiDataSet data) {
    GraphBatch batch = inner.of(data);
    last = batch.graph();
    Map<String, INDArray> all = new LinkedHashMap<>(batch.feeds());
    all.putAll(look.at(data, batch));
    all.putAll(typed.computeIfAbsent(batch.graph(), this::typed));
    return new GraphBatch(batch.graph(), all);
  }

  @Override
  public GraphBatch of(Map<String, INDArray> feeds) {
    throw new UnsupportedOperationException("A trained model's batches are data sets.");
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
