package org.backpack4j.dl4j.internal.convert;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.dl4j.Obstacle;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A converted network.
 *
 * @param graph the graph, whose loss variables are the losses of the outputs
 * @param features for each network input its placeholder
 * @param featureMasks for each network input its mask's placeholder, or null
 * @param labels for each output its labels' placeholder
 * @param labelMasks for each output its labels' mask's placeholder, or null
 * @param activations for each layer and vertex the variable with its activations
 * @param parameters the trained parameters, in the network's order
 * @param losses for each output its loss variables, whose sum is its loss
 * @param predictions for each output where second-order quantities start; empty if all losses are
 *     SameDiff's own, which know it themselves
 * @param statistics what batch normalisation has computed of the batch
 * @param states placeholders of what recurrent layers begin with [N, units]; none unless the
 *     network is trained by truncated backpropagation through time
 * @param given for the placeholder of each array that belongs to one iteration, how many rows of
 *     the array a sample has
 * @param kept for a placeholder of what changes a layer's input: how it is found out, where DL4J's
 *     array is the changed input
 * @param noisy what the graph reads in the place of a parameter; to be filled by the parameters'
 *     names
 * @param begins the steps behind which the graph begins, since they could not be converted
 * @param outOfReach for each parameter below a layer that could not be converted, what stands in
 *     the way
 * @param notes what is to be told with second-order quantities
 */
public record ConversionResult(
    SameDiff graph,
    List<String> features,
    List<@Nullable String> featureMasks,
    List<String> labels,
    List<@Nullable String> labelMasks,
    Map<String, String> activations,
    List<String> parameters,
    Map<String, List<String>> losses,
    List<String> predictions,
    List<BatchStatistic> statistics,
    Map<String, State> states,
    Map<String, Long> given,
    Map<String, KeptInput> kept,
    Map<String, INDArray> noisy,
    Set<String> begins,
    Map<String, Obstacle> outOfReach,
    List<String> notes) {
  /**
   * What a recurrent layer carries from one part of a sequence to the next.
   *
   * @param layer the layer's name
   * @param key DL4J's key
   * @param units how many numbers for each sample
   */
  public record State(String layer, String key, long units) {}

  /**
   * Mean and variance of a batch, of which batch normalisation keeps running averages.
   *
   * @param owner what the names of the layer's parameters begin with: {@code 3_}, say
   * @param decay how much of the running averages a batch leaves
   * @param mean the variable with the batch's mean, an entry for each channel
   * @param variance the variable with the batch's biased variance, an entry for each channel
   */
  public record BatchStatistic(String owner, double decay, String mean, String variance) {}
}
