package org.backpack4j.dl4j.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.samediff.Refusal;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** What of a network would break the promise, or stands in the way of clipped gradients. */
final class PrivacyCheck {
  private PrivacyCheck() {}

  /**
   * Looks at a network's configuration.
   *
   * @param net the network
   * @param pieces whether batches come in pieces
   * @throws PrivacyRefusedException if something in it cannot be
   */
  static void of(Model net, boolean pieces) {
    List<Obstacle> obstacles =
        new ArrayList<>(NetworkConverter.obstacles(net, false, NetworkConverter.converters()));
    training(net, obstacles);
    normalisation(net, obstacles);
    if (pieces && NetworkConverter.draws(net, NetworkConverter.converters())) {
      obstacles.add(
          new Obstacle(
              "the network",
              "it has dropout or noise, which DL4J draws for the samples of its own pass alone",
              "leave pieces(…) out, or the dropout"));
    }
    if (!obstacles.isEmpty()) {
      throw new PrivacyRefusedException(obstacles);
    }
  }

  private static void training(Model net, List<Obstacle> obstacles) {
    OptimizationAlgorithm algorithm = net.conf().getOptimizationAlgo();
    if (algorithm != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
      obstacles.add(
          new Obstacle(
              "the network",
              "its optimisation algorithm is " + algorithm + ", which reads scores without noise",
              "use STOCHASTIC_GRADIENT_DESCENT"));
    }
    BackpropType backprop =
        net instanceof ComputationGraph graph
            ? graph.getConfiguration().getBackpropType()
            : ((MultiLayerNetwork) net).getLayerWiseConfigurations().getBackpropType();
    if (backprop == BackpropType.TruncatedBPTT) {
      obstacles.add(
          new Obstacle(
              "the network",
              "truncated backpropagation through time makes several steps of a batch, in which the"
                  + " same samples are",
              "use BackpropType.Standard, and cut the series into samples"));
    }
  }

  private static void normalisation(Model net, List<Obstacle> obstacles) {
    trainables(net)
        .forEach(
            (name, layer) -> {
              GradientNormalization normalization =
                  layer.getConfig() == null || layer.numParams() == 0
                      ? null
                      : layer.getConfig().getGradientNormalization();
              if (normalization != null && normalization != GradientNormalization.None) {
                obstacles.add(
                    new Obstacle(
                        "layer \"" + name + "\"",
                        "its gradientNormalization is "
                            + normalization
                            + ", which changes the noise and the clipped gradient together",
                        "use GradientNormalization.None: samples' gradients are clipped already"));
              }
            });
  }

  private static Map<String, Trainable> trainables(Model net) {
    Map<String, Trainable> all = new LinkedHashMap<>();
    if (net instanceof ComputationGraph graph) {
      Arrays.stream(graph.getVertices()).forEach(v -> all.put(v.getVertexName(), v));
    } else {
      Layer[] layers = ((MultiLayerNetwork) net).getLayers();
      for (int k = 0; k < layers.length; k++) {
        all.put(Integer.toString(k), layers[k]);
      }
    }
    return all;
  }

  /**
   * A graph's refusals as the network's owner reads them.
   *
   * @param net the network
   * @param refusals why its graph has no clipped gradients
   * @return the exception
   */
  static PrivacyRefusedException refusal(Model net, List<Refusal> refusals) {
    Set<String> normalising = new LinkedHashSet<>();
    InputShapes.names(net, BatchNormalization.class)
        .forEach(name -> normalising.add("layer \"" + name + "\""));
    Set<Obstacle> obstacles = new LinkedHashSet<>();
    for (Refusal r : refusals) {
      boolean batch = normalising.contains(r.node()) && r.reason().startsWith(Refusal.COUPLED);
      obstacles.add(
          batch
              ? new Obstacle(
                  r.node() + " (BatchNormalization)",
                  Refusal.COUPLED + " through the batch's statistics",
                  "freeze the layer (FrozenLayer, TransferLearning), so that it keeps its fixed"
                      + " statistics, or normalise each sample by itself (hasLayerNorm(true))")
              : new Obstacle(r.node(), r.reason(), r.remedy()));
    }
    return new PrivacyRefusedException(List.copyOf(obstacles));
  }
}
