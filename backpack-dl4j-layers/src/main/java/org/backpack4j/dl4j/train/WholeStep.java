package org.backpack4j.dl4j.train;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * Checks that a network's updater makes the step that it is given, to the last digit: a step whose
 * length is exact must not be changed behind it.
 */
final class WholeStep {
  private WholeStep() {}

  /**
   * Checks.
   *
   * @throws IllegalStateException if something behind the gradient changes the step; it names the
   *     layer and the remedy
   */
  static void check(Model net) {
    algorithm(net);
    trained(net).forEach(WholeStep::check);
  }

  /** A line search evaluates several steps. */
  static void algorithm(Model net) {
    OptimizationAlgorithm algorithm = net.conf().getOptimizationAlgo();
    if (algorithm != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
      throw new IllegalStateException(
          "The network's optimisation algorithm is "
              + algorithm
              + ", which makes several passes a step: the quadratic model needs"
              + " STOCHASTIC_GRADIENT_DESCENT.");
    }
  }

  private static Map<String, Trainable> trained(Model net) {
    Map<String, Trainable> trained = new LinkedHashMap<>();
    if (net instanceof ComputationGraph graph) {
      for (GraphVertex vertex : graph.getVertices()) {
        trained.put(vertex.getVertexName(), vertex.getLayer() != null ? vertex.getLayer() : vertex);
      }
    } else {
      Layer[] layers = ((MultiLayerNetwork) net).getLayers();
      for (int k = 0; k < layers.length; k++) {
        trained.put(Integer.toString(k), layers[k]);
      }
    }
    trained.values().removeIf(t -> t.numParams() == 0 || t.getConfig() == null);
    return trained;
  }

  private static void check(String name, Trainable layer) {
    TrainingConfig configuration = layer.getConfig();
    GradientNormalization normalization = configuration.getGradientNormalization();
    if (normalization != null && normalization != GradientNormalization.None) {
      throw refusal(name, "has the gradient normalization " + normalization, "leave it out");
    }
    if (configuration instanceof org.deeplearning4j.nn.conf.layers.Layer own
        && own.getConstraints() != null
        && !own.getConstraints().isEmpty()) {
      throw refusal(
          name,
          "has the constraints " + own.getConstraints(),
          "leave them out, or choose the learning rate by hand");
    }
    for (String parameter : layer.paramTable(true).keySet()) {
      @Nullable IUpdater updater = configuration.getUpdaterByParam(parameter);
      boolean whole =
          updater == null // a frozen layer
              || updater instanceof NoOp
              || (updater instanceof Sgd sgd
                  && sgd.getLearningRateSchedule() == null
                  && sgd.getLearningRate() == 1);
      if (!whole) {
        throw refusal(
            name,
            String.format(Locale.ROOT, "has the updater %s for \"%s\"", updater, parameter),
            "take updater(new Sgd(1))");
      }
      if (configuration.getRegularizationByParam(parameter) != null
          && !configuration.getRegularizationByParam(parameter).isEmpty()) {
        throw refusal(
            name,
            "has l1, l2 or weight decay of \"" + parameter + "\"",
            "leave it out, or choose the learning rate by hand");
      }
    }
  }

  private static IllegalStateException refusal(String layer, String what, String remedy) {
    return new IllegalStateException(
        "Layer \""
            + layer
            + "\" "
            + what
            + ", which changes the step of exact learning rate behind the model: "
            + remedy
            + ".");
  }
}
