package org.backpack4j.dl4j;

import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A network as a SameDiff graph with a loss. Made by {@link Dl4jConverter}.
 *
 * <p>The placeholders are the network's inputs by their names ({@code input} for a
 * MultiLayerNetwork) and {@code <output>.labels}. Variables are named within the scope of their
 * layer.
 */
public final class ConvertedNetwork {
  private final ConvertedGraph graph;

  ConvertedNetwork(ConvertedGraph graph) {
    this.graph = graph;
  }

  /**
   * The graph. Its loss variables are the losses of the network's outputs.
   *
   * @return the graph
   */
  public SameDiff sameDiff() {
    return graph.sameDiff();
  }

  /**
   * The trained parameters: those that have quantities.
   *
   * @return their names, DL4J's, in the order of the layers
   */
  public List<String> parameters() {
    return graph.parameters();
  }

  /**
   * The activations of a layer or vertex.
   *
   * @param name its name; of a layer of a MultiLayerNetwork, its number
   * @return the name of the variable
   */
  public String activations(String name) {
    return graph.activations(name);
  }

  /**
   * The loss variables.
   *
   * @return their names by the names of the outputs; an output's loss is the sum of its variables
   */
  public Map<String, List<String>> losses() {
    return graph.losses();
  }

  /**
   * Where second-order quantities start, if a loss is written out of simple ops.
   *
   * @return the names of the predictions of all outputs; none if the losses know it themselves
   */
  public List<String> predictions() {
    return graph.predictions();
  }

  /**
   * What is to be known of second-order quantities: where they start at the probabilities of a
   * softmax or sigmoid, not in front of it.
   *
   * @return a sentence for each such output
   */
  public List<String> notes() {
    return graph.notes();
  }

  /**
   * The placeholders of the labels.
   *
   * @return their names, one for each output
   */
  public List<String> labels() {
    return graph.labels();
  }

  /**
   * Extends the graph for all trained parameters.
   *
   * @param extensions the quantities
   * @return the extended graph
   */
  public ExtendedGraph extend(Extension... extensions) {
    return backPack().extend(extensions);
  }

  /**
   * Extends the graph with choices.
   *
   * @return a builder that knows which parameters are trained and where second-order quantities
   *     start
   */
  public BackPack.Builder backPack() {
    return graph.backPack();
  }

  /**
   * A batch as the graph wants it.
   *
   * @param batch features and labels, with masks if the graph was made for them
   * @return an array for each placeholder
   */
  public Map<String, INDArray> feeds(DataSet batch) {
    return graph.feeds(batch);
  }

  /**
   * A batch as the graph wants it.
   *
   * @param batch features and labels, with masks if the graph was made for them
   * @return an array for each placeholder
   */
  public Map<String, INDArray> feeds(MultiDataSet batch) {
    return graph.feeds(batch);
  }

  /**
   * A batch as the graph wants it: of the network's type. Arrays of that type are not copied. Where
   * the network is trained by truncated backpropagation through time, recurrent layers begin with
   * zeros, as with the first part of a sequence.
   *
   * @param features for each input an array
   * @param labels for each output an array
   * @param featureMasks null, or for each input a mask or null
   * @param labelMasks null, or for each output a mask or null
   * @return an array for each placeholder
   */
  public Map<String, INDArray> feeds(
      INDArray[] features,
      INDArray[] labels,
      @Nullable INDArray @Nullable [] featureMasks,
      @Nullable INDArray @Nullable [] labelMasks) {
    return graph.feeds(features, labels, featureMasks, labelMasks);
  }
}
