package org.backpack4j.dl4j.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.internal.trained.TrainedGraph;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A SameDiff graph, which is only read. */
final class ExplainedSameDiff extends ExplainedModel {
  private final SameDiff sd;
  private final TrainedGraph model;

  private record Key(List<String> feeds, Choice choice) {}

  ExplainedSameDiff(SameDiff sd) {
    this.sd = sd;
    this.model = new TrainedGraph(sd);
  }

  @Override
  Cut of(MultiDataSet batch, Choice choice) {
    TrainingConfig config = sd.getTrainingConfig();
    if (config == null) {
      throw new IllegalArgumentException(
          "The graph has no training configuration that maps features to placeholders:"
              + " sd.setTrainingConfig(…), or explain(Map) with at(…).");
    }
    Map<String, INDArray> feeds = TrainedGraph.features(config, batch);
    if (choice.points().isEmpty()) {
      return of(
          feeds,
          new Choice(
              choice.output(),
              List.copyOf(config.getDataSetFeatureMapping()),
              choice.probabilities()));
    }
    return of(feeds, choice);
  }

  @Override
  Cut of(Map<String, INDArray> feeds, Choice choice) {
    List<String> points = choice.points();
    if (points.isEmpty()) {
      throw new IllegalArgumentException(
          "It is not known which placeholders are explained: name them by at(…); those fed are "
              + feeds.keySet()
              + ".");
    }
    points.forEach(this::check);
    Map<String, INDArray> typed = new LinkedHashMap<>();
    feeds.forEach(
        (name, array) -> {
          SDVariable placeholder = sd.getVariable(name);
          if (placeholder == null || !placeholder.isPlaceHolder()) {
            throw new IllegalArgumentException(
                "\"" + name + "\" is no placeholder of the graph; they are " + sd.inputs() + ".");
          }
          typed.put(name, array.castTo(placeholder.dataType()));
        });
    Kept kept = kept(new Key(List.copyOf(feeds.keySet()), choice), () -> make(typed, choice));
    return new Cut(kept.graph(), typed);
  }

  private void check(String point) {
    SDVariable variable = sd.getVariable(point);
    if (variable == null) {
      throw new IllegalArgumentException(
          "The graph has no variable \"" + point + "\" to explain: at(…) names variables.");
    }
    if (!variable.dataType().isFPType()) {
      throw new IllegalArgumentException(
          "\"%s\" is of type %s, which has no derivative: name the variable that is looked up by it, behind the gather, in at(…)."
              .formatted(point, variable.dataType()));
    }
  }

  private Kept make(Map<String, INDArray> feeds, Choice choice) {
    if (choice.probabilities()) {
      throw new IllegalArgumentException(
          "Which variable of a SameDiff graph has the probabilities is not known: name it by"
              + " output(…), without probabilities().");
    }
    Map<String, String> variables = new LinkedHashMap<>();
    choice.points().forEach(p -> variables.put(p, p));
    ExplainedGraph graph =
        new ExplainedGraph(
            model.copy(),
            false,
            new ExplainedGraph.Question(variables, output(choice), -1),
            feeds,
            name -> name);
    return new Kept(graph, sd);
  }

  private String output(Choice choice) {
    String chosen = choice.output();
    if (chosen != null) {
      SDVariable variable = sd.getVariable(chosen);
      if (variable == null || !variable.dataType().isFPType()) {
        throw new IllegalArgumentException(
            "The graph has no floating-point variable \"" + chosen + "\" to be the output.");
      }
      return chosen;
    }
    List<String> predictions = model.predictions();
    if (predictions.size() != 1) {
      throw new IllegalArgumentException(
          "The losses of the graph have the predictions "
              + predictions
              + ": name the one to explain by output(…).");
    }
    return predictions.get(0);
  }
}
