package org.backpack4j.dl4j.internal.trained;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A trained network or graph, as it is in evaluation: without dropout, batch normalisation with its
 * running statistics. It is only read, and its parameters are those of the moment. The loss is the
 * sum over samples where the model is a network.
 */
public interface TrainedModel {
  /**
   * A network of Deeplearning4j.
   *
   * @param net a ComputationGraph or a MultiLayerNetwork, which is initialised if it is not yet
   */
  static TrainedModel of(Model net) {
    return new TrainedNetwork(net);
  }

  /** A SameDiff graph. */
  static TrainedModel of(SameDiff sd) {
    return new TrainedGraph(sd);
  }

  // ---- how it is fed ----

  /**
   * Checks that data sets can be fed.
   *
   * @throws IllegalArgumentException if the model is a graph without a training configuration
   */
  void checkMapping();

  /**
   * The same model, with the loss of one output alone.
   *
   * @param name the output, of a graph the loss variable; null for the only one, of a graph for all
   * @throws IllegalArgumentException if there is no such output, or there are several
   */
  TrainedModel ofOutput(@Nullable String name);

  /**
   * A batch of features with labels that are zero.
   *
   * @param features for each input an array
   * @param masks for each input a mask or null; null if there are none
   * @param like the shapes of the features and labels of a batch with both
   */
  MultiDataSet unlabelled(INDArray[] features, INDArray @Nullable [] masks, Shapes like);

  /**
   * Shapes of a batch's arrays.
   *
   * @param features of each input
   * @param labels of each output
   */
  record Shapes(List<long[]> features, List<long[]> labels) {
    /** Those of a batch. */
    public static Shapes of(MultiDataSet batch) {
      return new Shapes(shapes(batch.getFeatures()), shapes(batch.getLabels()));
    }

    private static List<long[]> shapes(INDArray @Nullable [] arrays) {
      return arrays == null ? List.of() : Arrays.stream(arrays).map(INDArray::shape).toList();
    }
  }

  // ---- what it answers ----

  /**
   * Graphs with quantities.
   *
   * @param parameters the names of the parameters; none for all
   */
  default OpenGraphs open(List<String> parameters, Extension... extensions) {
    return open(parameters, null, extensions);
  }

  /**
   * The same, with the losses' gradient by a variable.
   *
   * @param variable the variable; null for none
   */
  OpenGraphs open(List<String> parameters, @Nullable String variable, Extension... extensions);

  /**
   * Rows of an output in the output's own layout.
   *
   * @param rows [R, C], sample by sample
   * @param predictions the shape of the predictions of the same batch
   * @param samples the number of samples
   */
  INDArray laidOut(INDArray rows, long[] predictions, long samples);

  // ---- its parameters ----

  /** The parameters' own arrays, in the model's order. */
  Map<String, INDArray> arrays();

  /** For each layer its weights: no biases, nothing that is frozen. Of a graph each by itself. */
  Map<String, List<String>> weights();

  /** The names of layers that parameters may belong to; none of a graph. */
  Set<String> layers();

  /** A checksum of all parameters, running statistics included. */
  String digest();

  /**
   * A parameter's own array.
   *
   * @throws IllegalArgumentException if there is none
   */
  default INDArray array(String name) {
    INDArray found = arrays().get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "There is no parameter \"" + name + "\"; there are " + arrays().keySet() + ".");
    }
    return found;
  }

  /** The layer that a parameter belongs to; its own name if there are no layers. */
  default String owner(String parameter) {
    return layers().stream()
        .filter(layer -> parameter.startsWith(layer + "_"))
        .max(Comparator.comparingInt(String::length))
        .orElse(parameter);
  }

  /**
   * The parameters of layers.
   *
   * @param layers names of layers or of parameters; none for all
   * @param all the trained parameters
   * @return those that are meant, in the same order
   * @throws IllegalArgumentException if a name is neither a layer's with parameters nor a
   *     parameter's
   */
  default List<String> parameters(List<String> layers, List<String> all) {
    Set<String> chosen = new LinkedHashSet<>();
    Set<String> unknown = new TreeSet<>();
    for (String layer : layers) {
      List<String> own = all.stream().filter(p -> isNamed(p, layer)).toList();
      chosen.addAll(own);
      if (own.isEmpty()) {
        unknown.add(layer);
      }
    }
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "layers(…) names "
              + unknown
              + ", which are neither layers with trained parameters nor such parameters. Trained"
              + " parameters are "
              + all
              + ".");
    }
    return layers.isEmpty() ? all : all.stream().filter(chosen::contains).toList();
  }

  /** Whether a name is a parameter's own or its layer's. */
  default boolean isNamed(String parameter, String name) {
    return parameter.equals(name) || name.equals(owner(parameter));
  }
}
