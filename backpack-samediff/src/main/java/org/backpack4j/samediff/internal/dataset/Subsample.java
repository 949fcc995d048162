package org.backpack4j.samediff.internal.dataset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.dataset.BatchWeights;
import org.backpack4j.samediff.extension.Combination;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The quantities of some samples of a batch: those of a batch of them, each times (d/D)ᵖ with p its
 * degree, d what the loss divides by in the small batch and D what it does in the whole.
 */
public final class Subsample {
  private final ExtendedGraph graph;
  private final Map<String, INDArray> feeds;
  private final int[] chosen;

  /**
   * Some samples of a batch.
   *
   * @param graph the graph
   * @param feeds the batch
   * @param chosen the numbers of the samples
   */
  public Subsample(ExtendedGraph graph, Map<String, INDArray> feeds, int... chosen) {
    this.graph = graph;
    this.feeds = feeds;
    this.chosen = chosen.clone();
  }

  /** The quantities, in the scale of the whole batch. */
  public QuantityResults results() {
    long all = graph.samples(feeds);
    check(all);
    Map<String, Combination> quantities = quantities();
    BatchWeights weights = graph.batchWeights();
    Map<String, INDArray> some = some();
    Set<String> names = new LinkedHashSet<>(quantities.keySet());
    names.addAll(weights.variables());
    Map<String, INDArray> results = graph.output(some, names);
    double whole = weights.data(all, graph.output(feeds, weights.variables()));
    double ratio = weights.data(chosen.length, results) / whole;
    Map<String, INDArray> scaled = new LinkedHashMap<>();
    quantities.forEach(
        (name, combination) -> {
          INDArray result = Objects.requireNonNull(results.get(name));
          scaled.put(name, result.muli(Math.pow(ratio, combination.degree())));
        });
    return graph.results(scaled);
  }

  private void check(long all) {
    if (chosen.length == 0) {
      throw new IllegalArgumentException("No sample is chosen.");
    }
    if (Arrays.stream(chosen).distinct().count() < chosen.length) {
      throw new IllegalArgumentException(
          "A sample is chosen twice: " + Arrays.toString(chosen) + ".");
    }
    for (int sample : chosen) {
      if (sample < 0 || sample >= all) {
        throw new IllegalArgumentException(
            "There is no sample " + sample + ": the batch has " + all + ", counted from 0.");
      }
    }
  }

  private Map<String, Combination> quantities() {
    Map<String, Combination> quantities = new LinkedHashMap<>();
    for (String owner : graph.owners()) {
      graph
          .outputsOf(owner)
          .forEach(
              (field, name) -> {
                if (!field.equals(Quantity.GRADIENT) && !field.equals(Quantity.PENALTY)) {
                  quantities.put(name, Quantity.combination(graph.extensions(), field));
                }
              });
    }
    quantities.forEach(
        (name, combination) -> {
          if (combination.kind() == Combination.Kind.NONE && combination.degree() == 0) {
            throw new IllegalArgumentException(
                "\"" + name + "\" cannot be had of some samples: " + combination.reason() + ".");
          }
        });
    return quantities;
  }

  private Map<String, INDArray> some() {
    Map<String, Integer> axes = graph.sampleAxes();
    Map<String, INDArray> some = new LinkedHashMap<>();
    feeds.forEach(
        (name, array) -> {
          Integer axis = axes.get(name);
          some.put(name, axis == null ? array : rows(array, axis));
        });
    return some;
  }

  private INDArray rows(INDArray array, int axis) {
    List<INDArray> rows = new ArrayList<>();
    for (int sample : chosen) {
      INDArrayIndex[] index = new INDArrayIndex[array.rank()];
      Arrays.fill(index, NDArrayIndex.all());
      index[axis] = NDArrayIndex.interval(sample, sample + 1);
      rows.add(array.get(index));
    }
    return rows.size() == 1
        ? rows.get(0).dup('c')
        : Nd4j.concat(axis, rows.toArray(INDArray[]::new));
  }
}
