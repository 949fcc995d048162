package org.backpack4j.dl4j.internal.convert;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
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
 * @param states for each recurrent layer with what it began, by DL4J's keys; nothing for zeros
 */
public record NetworkBatch(
    INDArray[] features,
    INDArray[] labels,
    @Nullable INDArray @Nullable [] featureMasks,
    @Nullable INDArray @Nullable [] labelMasks,
    Map<String, Map<String, INDArray>> states) {

  public static NetworkBatch of(Model model) {
    if (model instanceof ComputationGraph graph) {
      int outputs = graph.getNumOutputArrays();
      INDArray[] labels = new INDArray[outputs];
      for (int k = 0; k < outputs; k++) {
        labels[k] = labels(graph.getOutputLayer(k), k);
      }
      return new NetworkBatch(
          graph.getInputs(),
          labels,
          graph.getInputMaskArrays(),
          graph.getLabelMaskArrays(),
          states(graph));
    }
    MultiLayerNetwork network = (MultiLayerNetwork) model;
    INDArray features = network.getInput();
    INDArray labels = network.getLabels();
    INDArray labelMask = network.getOutputLayer().getMaskArray();
    return new NetworkBatch(
        new INDArray[] {features},
        new INDArray[] {labels},
        new @Nullable INDArray[] {featureMask(network, features)},
        new @Nullable INDArray[] {
          labelMask == null || labels.rank() != 3 ? labelMask : overTime(labelMask, features)
        },
        states(network));
  }

  /** The number of samples that a network works on. */
  public static long samples(Model model) {
    INDArray first =
        model instanceof ComputationGraph graph
            ? graph.getInput(0)
            : ((MultiLayerNetwork) model).getInput();
    return first.size(0);
  }

  private static Map<String, Map<String, INDArray>> states(ComputationGraph graph) {
    Map<String, Map<String, INDArray>> states = new HashMap<>();
    if (graph.getConfiguration().getBackpropType() == BackpropType.TruncatedBPTT) {
      for (GraphVertex vertex : graph.getVertices()) {
        if (vertex.getLayer() instanceof RecurrentLayer layer) {
          states.put(vertex.getVertexName(), layer.rnnGetPreviousState());
        }
      }
    }
    return states;
  }

  private static Map<String, Map<String, INDArray>> states(MultiLayerNetwork network) {
    Map<String, Map<String, INDArray>> states = new HashMap<>();
    if (network.getLayerWiseConfigurations().getBackpropType() == BackpropType.TruncatedBPTT) {
      for (int k = 0; k < network.getnLayers(); k++) {
        if (network.getLayer(k) instanceof RecurrentLayer layer) {
          states.put(Integer.toString(k), layer.rnnGetPreviousState());
        }
      }
    }
    return states;
  }

  /**
   * DL4J keeps no masks but those of the layers. An LSTM does not keep it and passes it on as it
   * is: the first that a layer keeps is that of the features.
   */
  private static @Nullable INDArray featureMask(MultiLayerNetwork network, INDArray features) {
    for (int k = 0; k < network.getnLayers() - 1; k++) {
      INDArray mask = network.getLayer(k).getMaskArray();
      boolean series = features.rank() == 3;
      boolean preprocessed = network.getLayerWiseConfigurations().getInputPreProcess(k) != null;
      boolean images = series && mask != null && mask.rank() == 4; // of whole steps, [T·N, 1, 1, 1]
      if (mask != null && ((!images && shortened(network, k)) || (preprocessed && !series))) {
        throw new IllegalArgumentException(
            "The features' mask has passed a preprocessor, a convolution or a pooling, and DL4J"
                + " does not keep it: use a ComputationGraph (net.toComputationGraph()).");
      }
      if (images) {
        return overTime(mask.reshape(mask.size(0), 1), features);
      }
      if (mask != null) {
        return series ? overTime(mask, features) : mask;
      }
    }
    return null;
  }

  /** Whether a layer keeps a mask that it, or one before it, has made of another. */
  private static boolean shortened(MultiLayerNetwork network, int layer) {
    for (int k = 0; k <= layer; k++) {
      if (shortens(network.getLayer(k).conf().getLayer())) {
        return true;
      }
    }
    return false;
  }

  private static boolean shortens(org.deeplearning4j.nn.conf.layers.Layer layer) {
    if (layer instanceof FrozenLayer frozen) {
      return shortens(frozen.getLayer());
    }
    if (layer instanceof FrozenLayerWithBackprop frozen) {
      return shortens(frozen.getUnderlying());
    }
    if (layer instanceof ConvolutionLayer convolution) {
      return shortens(convolution.getConvolutionMode(), convolution.getStride());
    }
    return layer instanceof SubsamplingLayer pooling
        && shortens(pooling.getConvolutionMode(), pooling.getStride());
  }

  private static boolean shortens(ConvolutionMode mode, int[] stride) {
    boolean padded = mode == ConvolutionMode.Same || mode == ConvolutionMode.Causal;
    return !padded || Arrays.stream(stride).anyMatch(s -> s != 1);
  }

  /**
   * A mask over time as it was set: [N, T], or [N, C, T] for single values. Layers on rows keep it
   * as [T·N, 1] or [T·N, C], the first step of all samples first.
   */
  private static INDArray overTime(INDArray mask, INDArray features) {
    long samples = features.size(0);
    if (mask.rank() != 2 || mask.size(0) == samples) {
      return mask;
    }
    long steps = mask.size(0) / samples;
    long columns = mask.size(1);
    INDArray apart = mask.dup('f').reshape('f', samples, steps, columns);
    return columns == 1
        ? apart.reshape('f', samples, steps).dup('c')
        : apart.permute(0, 2, 1).dup('c');
  }

  private static INDArray labels(Layer layer, int output) {
    if (!(layer instanceof IOutputLayer outputLayer)) {
      throw new IllegalArgumentException(
          "Output " + output + " is no output layer: it has no loss.");
    }
    return outputLayer.getLabels();
  }

  public BatchShape shape() {
    return BatchShape.of(features, labels, featureMasks, labelMasks, labels.length);
  }

  public long samples() {
    return features[0].size(0);
  }

  @Override
  public String toString() {
    return Arrays.stream(features).map(f -> Arrays.toString(f.shape())).toList().toString();
  }
}
