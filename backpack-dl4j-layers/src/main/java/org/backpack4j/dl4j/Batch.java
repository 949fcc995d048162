package org.backpack4j.dl4j;

import java.util.Arrays;
import org.backpack4j.dl4j.convert.BatchShape;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The batch that a network works on, as it is set on the network between the backward pass and the
 * step.
 *
 * @param features for each input an array
 * @param labels for each output an array
 * @param featureMasks null, or for each input a mask or null
 * @param labelMasks null, or for each output a mask or null
 */
record Batch(
    INDArray[] features,
    INDArray[] labels,
    @Nullable INDArray @Nullable [] featureMasks,
    @Nullable INDArray @Nullable [] labelMasks) {

  static Batch of(Model model) {
    if (model instanceof ComputationGraph graph) {
      int outputs = graph.getNumOutputArrays();
      INDArray[] labels = new INDArray[outputs];
      for (int k = 0; k < outputs; k++) {
        labels[k] = labels(graph.getOutputLayer(k), k);
      }
      return new Batch(
          graph.getInputs(), labels, graph.getInputMaskArrays(), graph.getLabelMaskArrays());
    }
    MultiLayerNetwork network = (MultiLayerNetwork) model;
    Layer last = network.getOutputLayer();
    Layer first = network.getLayer(0);
    // DL4J keeps no masks but those of the layers; the first layer's is that of the features
    INDArray featureMask = first == last ? null : first.getMaskArray();
    if (featureMask != null && network.getLayerWiseConfigurations().getInputPreProcess(0) != null) {
      throw new IllegalArgumentException(
          "The features' mask has passed a preprocessor, and DL4J does not keep it: use a"
              + " ComputationGraph (net.toComputationGraph()).");
    }
    return new Batch(
        new INDArray[] {network.getInput()},
        new INDArray[] {network.getLabels()},
        new @Nullable INDArray[] {featureMask},
        new @Nullable INDArray[] {last.getMaskArray()});
  }

  private static INDArray labels(Layer layer, int output) {
    if (!(layer instanceof IOutputLayer outputLayer)) {
      throw new IllegalArgumentException(
          "Output " + output + " is no output layer: it has no loss.");
    }
    return outputLayer.getLabels();
  }

  BatchShape shape() {
    return BatchShape.of(features, featureMasks, labelMasks, labels.length);
  }

  long samples() {
    return features[0].size(0);
  }

  @Override
  public String toString() {
    return Arrays.stream(features).map(f -> Arrays.toString(f.shape())).toList().toString();
  }
}
