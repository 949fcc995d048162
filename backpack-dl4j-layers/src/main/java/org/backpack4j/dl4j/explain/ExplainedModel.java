package org.backpack4j.dl4j.explain;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.backpack4j.dl4j.internal.trained.Recent;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A network or a graph, with the cut graphs that were made of it. */
abstract class ExplainedModel implements AutoCloseable {
  /** As many cut graphs are kept, those that were used last. */
  private static final int KEPT = 8;

  private final Recent<Object, Kept> graphs = new Recent<>(KEPT, k -> k.graph().close());

  /**
   * What a person has chosen.
   *
   * @param output the output that is explained; null for the only one
   * @param points what is explained; none for the inputs
   * @param probabilities whether it is the output as it is, not what goes into its softmax or
   *     sigmoid
   */
  record Choice(@Nullable String output, List<String> points, boolean probabilities) {}

  /**
   * A batch with the graph that it is for.
   *
   * @param graph the graph
   * @param feeds an array for each placeholder
   */
  record Cut(ExplainedGraph graph, Map<String, INDArray> feeds) {}

  /** A cut graph with what feeds it. */
  record Kept(ExplainedGraph graph, Object feeder) {}

  /** A batch of arrays in the order of the inputs, with masks. */
  abstract Cut of(MultiDataSet batch, Choice choice);

  /** A batch by the names of placeholders. */
  abstract Cut of(Map<String, INDArray> feeds, Choice choice);

  /** The graph of a key, which is made if there is none. */
  Kept kept(Object key, Supplier<Kept> made) {
    return graphs.get(key, k -> made.get());
  }

  @Override
  public void close() {
    graphs.close();
  }
}
