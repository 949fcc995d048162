package org.backpack4j.samediff.dataset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.Progress;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.dataset.Batches;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.backpack4j.samediff.internal.dataset.Gathering;
import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A curvature matrix of a whole data set by its products: the generalised Gauss-Newton matrix, the
 * Hessian, its positive-curvature variants or a Fisher matrix, in the scale that {@link
 * DataSetQuantities} has; random numbers of a sampled one depend on a sample's place alone. Each
 * call of {@link #times} goes over the data once, whatever the number of vectors. The data have to
 * be the same each time, in the same order, so that it is one matrix: a checksum sees to that.
 * Parameters are read at each call.
 */
public final class DataSetOperator implements LinearOperator {
  private final BatchGraphs graphs;
  private final Extension products;
  private final Supplier<Batches> data;
  private final ParameterLayout layout;
  private final int width;
  private @Nullable Long contents;

  private DataSetOperator(BatchGraphs graphs, Extension products, Supplier<Batches> data) {
    if (!products.columns().kind().ofVectors() || products.ofPredictions()) {
      throw new IllegalArgumentException(
          "\""
              + products.field()
              + "\" gives no products with vectors: extend the graph by GGNProduct,"
              + " HessianProduct, PCHProduct or FisherProduct.");
    }
    this.graphs = graphs;
    this.products = products;
    this.data = data;
    this.width = products.columns().vectorCount();
    Batches batches = data.get();
    if (!batches.hasNext()) {
      throw new IllegalArgumentException("The data set is empty: the iterator has no batch.");
    }
    this.layout = layout(batches.next().graph(graphs).graph());
  }

  /**
   * Of one graph and feeds.
   *
   * @param graph the extended graph, which has to stay open
   * @param products the extension that it was extended by, such as {@code GGNProduct}; of several
   *     vectors at once, as many are worked through together
   * @param feeds for each batch an array for each placeholder but those of the vectors
   * @return the matrix
   * @throws IllegalArgumentException if the extension gives no products, the graph was not extended
   *     by it, or there is no batch
   */
  public static DataSetOperator of(
      ExtendedGraph graph, Extension products, Iterable<Map<String, INDArray>> feeds) {
    return new DataSetOperator(
        BatchGraphs.same(graph), products, () -> Batches.of(feeds.iterator()));
  }

  /**
   * Of graphs that depend on the batch.
   *
   * @param graphs the graph for each batch
   * @param products the extension that they were extended by, such as {@code GGNProduct}
   * @param iterator the data set; it is reset at each call
   * @return the matrix
   * @throws IllegalArgumentException if the extension gives no products, the graphs were not
   *     extended by it, there is no batch, or the iterator cannot be reset
   */
  public static DataSetOperator of(
      BatchGraphs graphs, Extension products, DataSetIterator iterator) {
    checkReset(iterator.resetSupported());
    return new DataSetOperator(graphs, products, () -> Batches.of(iterator));
  }

  /**
   * Of graphs that depend on the batch.
   *
   * @param graphs the graph for each batch
   * @param products the extension that they were extended by, such as {@code GGNProduct}
   * @param iterator the data set; it is reset at each call
   * @return the matrix
   * @throws IllegalArgumentException if the extension gives no products, the graphs were not
   *     extended by it, there is no batch, or the iterator cannot be reset
   */
  public static DataSetOperator of(
      BatchGraphs graphs, Extension products, MultiDataSetIterator iterator) {
    checkReset(iterator.resetSupported());
    return new DataSetOperator(graphs, products, () -> Batches.of(iterator));
  }

  private static void checkReset(boolean supported) {
    if (!supported) {
      throw new IllegalArgumentException(
          "The iterator cannot be reset, and each product goes over the data anew.");
    }
  }

  private ParameterLayout layout(ExtendedGraph graph) {
    Map<String, String> outputs = graph.outputsOf(products);
    if (outputs.isEmpty()) {
      throw new IllegalArgumentException(
          "The graph has no output \""
              + products.field()
              + "\": extend it by this extension. Its outputs are "
              + graph.outputNames()
              + ".");
    }
    Map<String, long[]> shapes = new LinkedHashMap<>();
    outputs.forEach(
        (parameter, output) -> {
          long[] shape = graph.shape(output);
          shapes.put(parameter, width == 0 ? shape : Arrays.copyOfRange(shape, 1, shape.length));
        });
    return ParameterLayout.of(shapes);
  }

  @Override
  public ParameterLayout layout() {
    return layout;
  }

  /**
   * Multiplies vectors, in one pass over the data set.
   *
   * @param vectors the vectors as rows [V, D]; they stay as they are
   * @return a new array [V, D] of type DOUBLE, in 'c' order: the products as rows
   * @throws IllegalArgumentException if the vectors have another shape, or an entry that is no
   *     finite number
   * @throws IllegalStateException if the data are not those of the first call
   * @throws BatchException if a batch cannot be used
   * @throws java.util.concurrent.CancellationException if the thread is interrupted
   */
  @Override
  public INDArray times(INDArray vectors) {
    INDArray rows = Vectors.checked(layout, vectors);
    List<Group> groups = groups(rows);
    try {
      long checksum = gather(groups);
      if (contents != null && contents != checksum) {
        throw new IllegalStateException(
            "The data are not those of the first product, so that there is not one matrix: the"
                + " iterator shuffles or augments. Give it a fixed order; Determinism tells more.");
      }
      contents = checksum;
      INDArray result = Nd4j.create(DataType.DOUBLE, rows.shape());
      for (Group group : groups) {
        group.copy(result);
      }
      return result;
    } finally {
      groups.forEach(g -> g.gathering().close());
    }
  }

  private long gather(List<Group> groups) {
    Contents checksum = new Contents();
    Batches batches = data.get();
    for (long k = 0; batches.hasNext(); k++) {
      Progress.check("multiply vectors by a data set's curvature, batch " + k);
      Batches.Batch batch = batches.next();
      batch.addTo(checksum);
      GraphBatch fed = batch.graph(graphs);
      for (Group group : groups) {
        Map<String, INDArray> feeds = new LinkedHashMap<>(fed.feeds());
        feeds.putAll(group.typed(fed.graph()));
        group.gathering().add(new GraphBatch(fed.graph(), feeds));
      }
    }
    return checksum.value();
  }

  private List<Group> groups(INDArray rows) {
    List<Group> groups = new ArrayList<>();
    int many = Math.max(1, width);
    for (long from = 0; from < rows.size(0); from += many) {
      long to = Math.min(rows.size(0), from + many);
      INDArray some = Nd4j.create(DataType.DOUBLE, many, layout.size());
      Vectors.rows(some, 0, to - from).assign(Vectors.rows(rows, from, to));
      groups.add(new Group(from, to, some));
    }
    return groups;
  }

  /** Vectors that a graph multiplies at once. */
  private final class Group {
    private final long from;
    private final long to;
    private final Map<String, INDArray> parts;
    private final Map<String, INDArray> typed = new LinkedHashMap<>();
    private final Gathering gathering;

    Group(long from, long to, INDArray vectors) {
      this.from = from;
      this.to = to;
      this.parts = layout.split(width == 0 ? vectors.reshape(layout.size()) : vectors);
      Set<String> names =
          Set.copyOf(layout.names().stream().map(p -> p + "." + products.field()).toList());
      this.gathering = new Gathering(null, -1, names::contains);
    }

    Gathering gathering() {
      return gathering;
    }

    /** The placeholders' arrays, made once. */
    Map<String, INDArray> typed(ExtendedGraph graph) {
      if (typed.isEmpty()) {
        parts.forEach(
            (parameter, part) -> {
              String placeholder = parameter + ".vector";
              DataType type = graph.sameDiff().getVariable(placeholder).dataType();
              typed.put(placeholder, part.castTo(type));
            });
      }
      return typed;
    }

    void copy(INDArray result) {
      Map<String, INDArray> outputs = gathering.results(List.of(products)).quantities().outputs();
      Map<String, INDArray> joined = new LinkedHashMap<>();
      for (String parameter : layout.names()) {
        joined.put(
            parameter, Objects.requireNonNull(outputs.get(parameter + "." + products.field())));
      }
      INDArray all =
          width == 0 ? layout.join(joined).reshape(1, layout.size()) : layout.joinRows(joined);
      Vectors.rows(result, from, to).assign(Vectors.rows(all, 0, to - from));
    }
  }
}
