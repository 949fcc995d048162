package org.backpack4j.samediff.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.internal.nd4j.UpdaterStates;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.Loss;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.Regularization.ApplyStep;

/** One step: gradients by the planned execution, everything behind them as M2.1 has it. */
final class Step {
  private final SameDiff graph;
  private final ExtendedGraph extended;

  /** The trained parameters, by the names of their gradients. */
  private final Map<String, String> parameters = new LinkedHashMap<>();

  /** Where gradients are written: the updaters change them in place. */
  private final Map<String, INDArray> gradients = new LinkedHashMap<>();

  GraphTraining.@Nullable StepQuantities taker;

  Step(SameDiff graph, ExtendedGraph extended) {
    this.graph = graph;
    this.extended = extended;
    Reached reached = new Reached(graph);
    for (String parameter : extended.parameters()) {
      if (reached.byLosses(parameter)) { // fit leaves the others as they are
        parameters.put(
            Objects.requireNonNull(extended.outputsOf(parameter).get("grad")), parameter);
      }
    }
  }

  Loss make(MultiDataSet batch, At at, Heard heard) {
    Map<String, INDArray> feeds = extended.feeds(batch);
    Set<String> names = new LinkedHashSet<>(parameters.keySet());
    names.addAll(graph.getLossVariables());
    if (taker != null) {
      names.addAll(extended.outputNames());
    }
    Set<String> activations = heard.activations(at.operation());
    names.addAll(activations);
    parameters.forEach((name, parameter) -> gradients.computeIfAbsent(name, n -> like(parameter)));
    Map<String, INDArray> results = extended.output(feeds, names, gradients);
    activations.forEach(name -> heard.activation(at, batch, name, of(results, name)));
    if (taker != null) {
      taker.accept(at, quantities(results));
    }
    Map<Class<?>, Double> penalties = new LinkedHashMap<>();
    Map<String, GradientUpdater<?>> updaters = UpdaterStates.of(graph);
    parameters.forEach(
        (name, parameter) ->
            update(
                parameter,
                Objects.requireNonNull(gradients.get(name)),
                Objects.requireNonNull(updaters.get(parameter)),
                at,
                heard,
                penalties));
    return loss(results, penalties);
  }

  private static INDArray of(Map<String, INDArray> results, String name) {
    return Objects.requireNonNull(results.get(name));
  }

  /** In the parameter's layout, which the updater's state has as well. */
  private INDArray like(String parameter) {
    INDArray array = graph.getVariable(parameter).getArr();
    return Nd4j.create(array.dataType(), array.shape(), array.ordering());
  }

  private QuantityResults quantities(Map<String, INDArray> results) {
    Map<String, INDArray> all = new LinkedHashMap<>();
    for (String name : extended.outputNames()) {
      INDArray array = of(results, name);
      all.put(name, gradients.containsKey(name) ? array.dup() : array);
    }
    return extended.results(all);
  }

  private void update(
      String parameter,
      INDArray gradient,
      GradientUpdater<?> updater,
      At at,
      Heard heard,
      Map<Class<?>, Double> penalties) {
    Variable variable = VariableLookup.variable(graph, parameter);
    INDArray array = variable.getVariable().getArr();
    regularise(ApplyStep.BEFORE_UPDATER, array, gradient, at, penalties);
    updater.applyUpdater(gradient, at.iteration(), at.epoch());
    regularise(ApplyStep.POST_UPDATER, array, gradient, at, penalties);
    heard.preUpdate(at, variable, gradient);
    if (graph.getTrainingConfig().isMinimize()) {
      array.subi(gradient);
    } else {
      array.addi(gradient);
    }
  }

  private void regularise(
      ApplyStep when, INDArray array, INDArray gradient, At at, Map<Class<?>, Double> penalties) {
    TrainingConfig config = graph.getTrainingConfig();
    if (config.getRegularization() == null) {
      return;
    }
    double rate =
        config.getUpdater().hasLearningRate()
            ? config.getUpdater().getLearningRate(at.iteration(), at.epoch())
            : 1;
    for (Regularization each : config.getRegularization()) {
      if (each.applyStep() == when) {
        penalties.merge(
            each.getClass(), each.score(array, at.iteration(), at.epoch()), Double::sum);
        each.apply(array, gradient, rate, at.iteration(), at.epoch());
      }
    }
  }

  private Loss loss(Map<String, INDArray> results, Map<Class<?>, Double> penalties) {
    List<String> names = new ArrayList<>(graph.getLossVariables());
    List<Double> values = new ArrayList<>();
    names.forEach(name -> values.add(of(results, name).sumNumber().doubleValue()));
    penalties.forEach(
        (kind, value) -> {
          names.add(kind.getSimpleName());
          values.add(value);
        });
    return new Loss(names, values.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
