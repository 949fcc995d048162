package org.backpack4j.dl4j.laplace;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.extension.Extension;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A trained network or graph, as it is in evaluation: without dropout, batch normalisation with its
 * running statistics. The loss is one output's.
 */
interface Subject {
  /** Graphs with quantities, one for each kind of batch. They keep memory. */
  interface Graphs extends BatchGraphs, AutoCloseable {
    @Override
    void close();
  }

  /**
   * Graphs with quantities.
   *
   * @param parameters the names of the parameters
   */
  default Graphs open(List<String> parameters, Extension... extensions) {
    return open(parameters, null, extensions);
  }

  /**
   * The same, with the losses' gradient by a variable.
   *
   * @param variable the variable; null for none
   */
  Graphs open(List<String> parameters, @Nullable String variable, Extension... extensions);

  /**
   * The names of all trained parameters, in order.
   *
   * @param batch a batch, by whose shapes a network is converted
   */
  List<String> parameters(MultiDataSet batch);

  /** The names of layers that parameters may belong to; none of a graph without layers. */
  Set<String> layers();

  /**
   * A batch of features with labels that are zero.
   *
   * @param features for each input an array
   * @param masks for each input a mask or null; null if there are none
   * @param like the shapes of the features and labels of a batch with both
   */
  MultiDataSet unlabelled(INDArray[] features, INDArray @Nullable [] masks, Shapes like);

  /**
   * Rows of an output in the output's own layout.
   *
   * @param rows [R, C], sample by sample
   * @param predictions the shape of the predictions of the same batch
   * @param samples the number of samples
   */
  INDArray laidOut(INDArray rows, long[] predictions, long samples);

  /** A parameter's values as they are now. */
  INDArray value(String parameter);

  /** A checksum of all parameters, running statistics included. */
  String digest();

  /** The layer that a parameter belongs to; its own name if there are no layers. */
  default String owner(String parameter) {
    return layers().stream()
        .filter(layer -> parameter.startsWith(layer + "_"))
        .max(java.util.Comparator.comparingInt(String::length))
        .orElse(parameter);
  }

  /** An extended graph with choices made by the caller. */
  static ExtendedGraph extend(
      BackPack.Builder builder,
      @Nullable List<String> losses,
      @Nullable String variable,
      Extension... extensions) {
    if (variable != null) {
      builder.variables(variable);
    }
    if (losses != null) {
      builder.losses(losses.toArray(new String[0]));
    }
    return builder.extend(extensions);
  }

  /**
   * Shapes of a batch's arrays.
   *
   * @param features of each input
   * @param labels of each output
   */
  record Shapes(List<long[]> features, List<long[]> labels) {
    static Shapes of(MultiDataSet batch) {
      return new Shapes(shapes(batch.getFeatures()), shapes(batch.getLabels()));
    }

    private static List<long[]> shapes(INDArray @Nullable [] arrays) {
      return arrays == null
          ? List.of()
          : java.util.Arrays.stream(arrays).map(INDArray::shape).toList();
    }
  }

  /** What feeds an extended graph. */
  record Fed(ExtendedGraph graph, Map<String, INDArray> feeds) {}
}
