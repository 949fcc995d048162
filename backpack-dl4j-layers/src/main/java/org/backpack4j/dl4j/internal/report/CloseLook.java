package org.backpack4j.dl4j.internal.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.NetworkGraphs;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.GGNProduct;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Looks at the gradients of the samples, a parameter at a time, and at the curvature's largest
 * eigenvalues. Both come from passes of their own over the batch, in which nothing is drawn. The
 * network is only read.
 */
public final class CloseLook implements AutoCloseable {
  private @Nullable NetworkGraphs gradients;
  private @Nullable NetworkGraphs products;
  private @Nullable GGNProduct vectors;

  /**
   * Looks at the batch that a network works on.
   *
   * @param net the network, before its step
   * @return what is seen, and why something is not
   */
  public Closeup at(Model net) {
    try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      NetworkBatch batch = NetworkBatch.of(net);
      if (!batch.states().isEmpty()) {
        return new Closeup(
            Double.NaN,
            Map.of(),
            Map.of(),
            List.of(
                "Histograms and eigenvalues are not there for truncated backpropagation through"
                    + " time."));
      }
      MultiDataSet data =
          new MultiDataSet(
              batch.features(), batch.labels(), batch.featureMasks(), batch.labelMasks());
      List<String> notes = new ArrayList<>();
      Map<String, Histogram> histograms = new LinkedHashMap<>();
      try {
        histograms.putAll(histograms(net, data));
      } catch (RuntimeException | OutOfMemoryError e) {
        notes.add("Histograms are not there: " + e.getMessage());
      }
      Eigenvalues.Found found = new Eigenvalues.Found(Double.NaN, Map.of());
      try {
        found = eigenvalues(net, data, batch.samples());
      } catch (RuntimeException | OutOfMemoryError e) {
        notes.add("Eigenvalues are not there: " + e.getMessage());
      }
      return new Closeup(found.whole(), found.layers(), histograms, notes);
    }
  }

  private Map<String, Histogram> histograms(Model net, MultiDataSet data) {
    if (gradients == null) {
      gradients = NetworkGraphs.of(net, new BatchGrad()).statistics(BatchStatistics.RUNNING);
    }
    GraphBatch batch = gradients.of(data);
    ExtendedGraph graph = batch.graph();
    Map<String, String> parameters = new LinkedHashMap<>();
    graph.outputsOf(new BatchGrad()).forEach((name, output) -> parameters.put(output, name));
    Map<String, INDArray> table = net.paramTable();
    Map<String, Histogram> found = new LinkedHashMap<>();
    graph.output(
        batch.feeds(),
        parameters.keySet(),
        (output, rows) -> {
          String name = Objects.requireNonNull(parameters.get(output));
          Histogram histogram = Histogram.of(rows, Objects.requireNonNull(table.get(name)));
          if (histogram != null) {
            found.put(name, histogram);
          }
        });
    Map<String, Histogram> ordered = new LinkedHashMap<>();
    table.keySet().stream()
        .filter(found::containsKey)
        .forEach(name -> ordered.put(name, Objects.requireNonNull(found.get(name))));
    return ordered;
  }

  private Eigenvalues.Found eigenvalues(Model net, MultiDataSet data, long samples) {
    GGNProduct extension = vectors;
    NetworkGraphs graphs = products;
    if (extension == null || graphs == null) {
      long layers = net.paramTable().keySet().stream().map(Eigenvalues::layer).distinct().count();
      extension =
          new GGNProduct(Eigenvalues.haveRoom(layers, net.numParams()) ? 1 + (int) layers : 1);
      graphs = NetworkGraphs.of(net, extension).statistics(BatchStatistics.RUNNING);
      vectors = extension;
      products = graphs;
    }
    GraphBatch batch = graphs.of(data);
    Eigenvalues.Found sum =
        Eigenvalues.of(LinearOperator.of(batch.graph(), extension, batch.feeds()));
    Map<String, Double> layers = new LinkedHashMap<>();
    sum.layers().forEach((name, value) -> layers.put(name, value / samples));
    return new Eigenvalues.Found(sum.whole() / samples, layers);
  }

  /** Frees what the graphs keep. */
  @Override
  public void close() {
    if (gradients != null) {
      gradients.close();
      gradients = null;
    }
    if (products != null) {
      products.close();
      products = null;
    }
  }
}
