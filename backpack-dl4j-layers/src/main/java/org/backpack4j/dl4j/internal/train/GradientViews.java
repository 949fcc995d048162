package org.backpack4j.dl4j.internal.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.internal.convert.ConversionResult.BatchStatistic;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.Untrained;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The places in a network's flattened gradient that a pass of DL4J's has written to, and what
 * belongs there: a parameter's gradient, a sum over samples, or what makes batch normalisation's
 * running averages move when it is subtracted.
 */
final class GradientViews {
  private final INDArray flattened;
  private final Gradient example;

  /** All places, by the names of parameters. */
  private final Map<String, INDArray> all = new LinkedHashMap<>();

  /** By the names of variables of the graph, where its value is written. */
  private final Map<String, INDArray> gradients = new LinkedHashMap<>();

  /** Where DL4J writes zeros: parameters of pretraining, on which no loss depends. */
  private final List<INDArray> unused = new ArrayList<>();

  private final List<BatchStatistic> statistics;

  private GradientViews(INDArray flattened, Gradient example, List<BatchStatistic> statistics) {
    this.flattened = flattened;
    this.example = example;
    this.statistics = statistics;
  }

  /**
   * Looks at the gradient of a pass that DL4J has made.
   *
   * @param obstacles where to add what no value is known for
   */
  static GradientViews of(Model net, ConvertedGraph network, List<Obstacle> obstacles) {
    INDArray flattened = Objects.requireNonNull(NetworkFields.flattenedGradient(net));
    Gradient example = net.gradient();
    GradientViews views = new GradientViews(flattened, example, network.statistics());
    List<String> parameters = network.parameters();
    Set<String> own = net.paramTable().keySet();
    Map<String, INDArray> shaped = Gradients.of(net);
    Set<String> pretrained = Untrained.ofPretraining(net);
    example
        .gradientForVariable()
        .forEach(
            (name, view) -> {
              if (!own.contains(name)) {
                return; // batch normalisation tells of locked parameters, which are none
              }
              views.all.put(name, view);
              String where = "parameter \"" + name + "\"";
              if (!isPartOf(flattened, view)) {
                obstacles.add(
                    new Obstacle(
                        where,
                        "DL4J keeps its gradient beside the network's flattened gradient",
                        PlannedPass.REMEDY));
              } else if (parameters.contains(name)) {
                views.gradients.put(name + ".grad", Objects.requireNonNull(shaped.get(name)));
              } else if (pretrained.contains(name) && view.amaxNumber().doubleValue() == 0) {
                views.unused.add(view);
              } else if (!views.isStatistic(name)) {
                obstacles.add(
                    new Obstacle(
                        where,
                        "DL4J changes it by something else than its gradient",
                        PlannedPass.REMEDY));
              }
            });
    return views;
  }

  private static boolean isPartOf(INDArray whole, INDArray part) {
    long begin = whole.data().addressPointer().address();
    long there = part.data().addressPointer().address();
    return there >= begin && there < begin + whole.length() * whole.dataType().width();
  }

  private boolean isStatistic(String name) {
    return statistics.stream()
        .anyMatch(
            s ->
                name.equals(s.owner() + BatchNormalizationParamInitializer.GLOBAL_MEAN)
                    || name.equals(s.owner() + BatchNormalizationParamInitializer.GLOBAL_VAR)
                    || name.equals(s.owner() + BatchNormalizationParamInitializer.GLOBAL_LOG_STD));
  }

  /** Whether a network still has the gradient that these are views of. */
  @SuppressWarnings("ReferenceEquality")
  boolean areOf(Model net) {
    return NetworkFields.flattenedGradient(net) == flattened;
  }

  /** Where values of the graph are written, by the names of its variables. */
  Map<String, INDArray> targets() {
    return gradients;
  }

  /** The variables of the graph that are needed beside the gradients. */
  List<String> needed() {
    List<String> names = new ArrayList<>();
    statistics.forEach(s -> names.addAll(List.of(s.mean(), s.variance())));
    return names;
  }

  /**
   * A gradient object of these views, as a pass of DL4J's makes one.
   *
   * @return a new one each time
   */
  Gradient gradient() {
    Gradient gradient = new DefaultGradient(flattened);
    all.forEach(
        (name, view) -> {
          Character order = example.flatteningOrderForVariable(name);
          if (order == null) {
            gradient.gradientForVariable().put(name, view);
          } else {
            gradient.setGradientFor(name, view, order);
          }
        });
    return gradient;
  }

  /** Writes zeros where DL4J does: in pretraining's, and in frozen layers' that are passed. */
  void clear(Model net) {
    unused.forEach(view -> view.assign(0));
    for (Layer layer : NetworkFields.layers(net)) {
      INDArray view =
          layer instanceof FrozenLayerWithBackprop frozen
              ? frozen.getInsideLayer().getGradientsViewArray()
              : null;
      if (view != null) {
        view.assign(0);
      }
    }
  }

  /**
   * What DL4J subtracts from the running averages: (1 − d) (a − a') for an average a, decay d and
   * the batch's a'; of log₁₀ √v the difference of its values before and after.
   *
   * @param net the network
   * @param results values of the graph
   * @return by parameters' names
   */
  Map<String, INDArray> changes(Model net, Map<String, INDArray> results) {
    Map<String, INDArray> changes = new LinkedHashMap<>();
    for (BatchStatistic s : statistics) {
      put(changes, net, s, BatchNormalizationParamInitializer.GLOBAL_MEAN, results.get(s.mean()));
      INDArray variance = results.get(s.variance());
      put(changes, net, s, BatchNormalizationParamInitializer.GLOBAL_VAR, variance);
      put(changes, net, s, BatchNormalizationParamInitializer.GLOBAL_LOG_STD, variance);
    }
    return changes;
  }

  private void put(
      Map<String, INDArray> changes,
      Model net,
      BatchStatistic statistic,
      String key,
      @Nullable INDArray ofBatch) {
    String name = statistic.owner() + key;
    INDArray view = all.get(name);
    if (view == null || ofBatch == null) {
      return;
    }
    INDArray running = net.getParam(name).reshape(view.shape());
    INDArray batch = ofBatch.reshape(view.shape());
    double decay = statistic.decay();
    if (!key.equals(BatchNormalizationParamInitializer.GLOBAL_LOG_STD)) {
      changes.put(name, running.sub(batch).muli(1 - decay));
      return;
    }
    INDArray before = Nd4j.createUninitialized(running.dataType(), running.shape()).assign(10.0);
    Transforms.pow(before, running, false);
    before.muli(before);
    INDArray after = before.mul(decay).addi(batch.mul(1 - decay));
    changes.put(name, Transforms.log(before.divi(after), false).muli(1 / (2 * Math.log(10))));
  }

  /** Writes changes of running averages to their places. */
  void write(Map<String, INDArray> changes) {
    changes.forEach((name, change) -> view(name).assign(change));
  }

  INDArray view(String parameter) {
    return Objects.requireNonNull(all.get(parameter), parameter);
  }

  @Override
  public String toString() {
    return "views of " + Arrays.toString(flattened.shape());
  }
}
