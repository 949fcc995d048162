package org.backpack4j.dl4j.explain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.internal.nd4j.Replacement;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;

/**
 * A graph cut at the variables whose entries are explained, with a weighted sum of its scores as
 * its loss.
 *
 * <p>Each of these variables is a placeholder: an activation is read from one that takes its place,
 * so that the scores can be had of any value of it. The loss is Σₙ Σ weights ∘ scores; samples are
 * apart, so its derivative by the value of a sample is that of the sample's own weighted scores.
 */
final class ExplainedGraph implements AutoCloseable {
  private static final String WEIGHTS = "explained.weights";
  private static final String WEIGHTED = "explained.score";
  private static final String ALL = "explained.all";
  private static final String LOSS = "explained.loss";

  private final Map<String, String> entrances = new LinkedHashMap<>();
  private final Question question;
  private final int classAxis;

  /** The graph before it was cut. */
  private final ExtendedGraph values;

  private final ExtendedGraph graph;

  /**
   * What is explained of what.
   *
   * @param points for each thing that is explained, by the name that a person knows it by, its
   *     variable
   * @param scores the variable with the scores [N, …]
   * @param classAxis which of its axes are the classes
   */
  record Question(Map<String, String> points, String scores, int classAxis) {}

  /** Weighted scores of the samples [N], and their derivatives by each point's value. */
  record Slopes(double[] scores, Map<String, INDArray> gradients) {}

  /**
   * Cuts a graph.
   *
   * @param own a graph that belongs to nobody else; it is changed
   * @param through whether derivatives pass what stops them: frozen layers, which stop those of
   *     training alone
   * @param question what is asked
   * @param feeds a batch, for the shapes
   * @param places what a person knows a node by
   */
  ExplainedGraph(
      SameDiff own,
      boolean through,
      Question question,
      Map<String, INDArray> feeds,
      UnaryOperator<String> places) {
    this.question = question;
    if (through) {
      passStops(own);
    }
    SDVariable found = own.getVariable(question.scores());
    own.setLossVariables(found.sum(ALL).name());
    values = extend(own, places, List.copyOf(question.points().values()));
    List<String> names = new ArrayList<>(List.of(question.scores()));
    names.addAll(computed(feeds));
    Map<String, INDArray> example = values.output(feeds, names);
    INDArray shape = Objects.requireNonNull(example.get(question.scores()));
    classAxis = question.classAxis() < 0 ? shape.rank() - 1 : question.classAxis();
    question.points().forEach((name, variable) -> cut(own, name, variable, example));
    SDVariable weighted = found.mul(like(own, WEIGHTS, shape));
    own.reshape(weighted, -1, shape.length() / shape.size(0)).sum(WEIGHTED, 1).sum(LOSS);
    own.setLossVariables(LOSS);
    graph = extend(own, places, List.copyOf(entrances.values()));
    graph.batchWeights(); // refuses where samples influence each other
  }

  /** Lets what reads behind a stop read in front of it; what is asked for by name stays. */
  private void passStops(SameDiff own) {
    for (DifferentialFunction op : own.ops()) {
      if (op instanceof StopGradient) {
        String behind = op.outputVariablesNames()[0];
        if (!question.points().containsValue(behind)) {
          Replacement.inReaders(own, behind, op.arg(0));
        }
      }
    }
  }

  private static ExtendedGraph extend(
      SameDiff own, UnaryOperator<String> places, List<String> variables) {
    return BackPack.on(own)
        .conversion()
        .places(places)
        .parameters(name -> false)
        .variables(variables.toArray(new String[0]))
        .extend();
  }

  /** The points that are not fed. */
  private List<String> computed(Map<String, INDArray> feeds) {
    return question.points().values().stream()
        .filter(variable -> !feeds.containsKey(variable))
        .toList();
  }

  private void cut(SameDiff own, String name, String variable, Map<String, INDArray> example) {
    INDArray value = example.get(variable);
    if (value == null) {
      entrances.put(name, variable);
      return;
    }
    INDArray of = Objects.requireNonNull(example.get(question.scores()));
    if (variable.equals(question.scores())) {
      throw new IllegalArgumentException(
          "\"" + name + "\" has the scores themselves: name a layer before it.");
    }
    if (value.rank() == 0 || value.size(0) != of.size(0)) {
      throw new IllegalArgumentException(
          "\"%s\" has the shape %s for %d samples, not a row for each: name a layer before or behind it."
              .formatted(name, Arrays.toString(value.shape()), of.size(0)));
    }
    SDVariable entrance = like(own, "explained." + name + ".value", value);
    Replacement.inReaders(own, variable, entrance);
    entrances.put(name, entrance.name());
  }

  private static SDVariable like(SameDiff own, String name, INDArray array) {
    long[] shape = array.shape().clone();
    shape[0] = -1;
    return own.placeHolder(name, array.dataType(), shape);
  }

  int classAxis() {
    return classAxis;
  }

  /** The points' values for a batch, by the names that a person knows them by. */
  Map<String, INDArray> values(Map<String, INDArray> feeds) {
    Map<String, INDArray> all = new LinkedHashMap<>(feeds);
    List<String> computed = computed(feeds);
    if (!computed.isEmpty()) {
      all.putAll(values.output(feeds, computed));
    }
    Map<String, INDArray> found = new LinkedHashMap<>();
    question
        .points()
        .forEach((name, variable) -> found.put(name, Objects.requireNonNull(all.get(variable))));
    return found;
  }

  /** The scores [N, …] where the points have given values. */
  INDArray scores(Map<String, INDArray> feeds, Map<String, INDArray> at) {
    String name = question.scores();
    return Objects.requireNonNull(graph.output(with(feeds, at), name).get(name));
  }

  /** The weighted scores where the points have given values, and their slopes. */
  Slopes slopes(Map<String, INDArray> feeds, Map<String, INDArray> at, INDArray weights) {
    Map<String, INDArray> all = with(feeds, at);
    all.put(WEIGHTS, weights);
    List<String> names = new ArrayList<>(List.of(WEIGHTED));
    entrances.values().forEach(e -> names.add(e + ".grad"));
    Map<String, INDArray> results = graph.output(all, names);
    Map<String, INDArray> gradients = new LinkedHashMap<>();
    entrances.forEach(
        (name, e) -> gradients.put(name, Objects.requireNonNull(results.get(e + ".grad"))));
    return new Slopes(
        Objects.requireNonNull(results.get(WEIGHTED)).dup('c').data().asDouble(), gradients);
  }

  private Map<String, INDArray> with(Map<String, INDArray> feeds, Map<String, INDArray> at) {
    Map<String, INDArray> all = new LinkedHashMap<>(feeds);
    entrances.forEach((name, e) -> all.put(e, Objects.requireNonNull(at.get(name))));
    return all;
  }

  @Override
  public void close() {
    values.close();
    graph.close();
  }
}
