package org.backpack4j.samediff.check;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.internal.nd4j.Replacement;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A graph in two parts that can be evaluated with one number changed: from parameters to
 * predictions, and from predictions to the loss. All in double precision, forward only, and always
 * on the same batch.
 */
final class FiniteDifferenceModel {
  private static final String CUT = "brute_force_predictions_";

  private final SameDiff network;

  /** The same graph, but what reads predictions reads placeholders. */
  private final SameDiff lossPart;

  private final Map<String, INDArray> feeds;
  private final List<String> losses;
  private final List<String> predictions;
  private final Map<String, long[]> shapes = new LinkedHashMap<>();
  private final double[] middle;

  /** What is fed to the loss's part, the predictions as they are among it. */
  private final Map<String, INDArray> lossFeeds;

  /** What {@link #lossOfPredictions} reads other predictions from. */
  private final Map<String, INDArray> others = new HashMap<>();

  /** The losses as predictions change, and only they. */
  private final Downstream lossOfPredictions;

  /** Of the parameter that was asked for last: entries of one are asked for one after the other. */
  private final Map<String, Downstream> recent = new HashMap<>();

  private String recentParameter = "";

  /**
   * Splits a graph.
   *
   * @param graph a graph in double precision, which is not changed
   * @param feeds an array for each placeholder
   * @param parameters what may be changed
   * @param losses the losses, whose entries are added up
   * @param predictions where to split
   */
  FiniteDifferenceModel(
      SameDiff graph,
      Map<String, INDArray> feeds,
      List<Parameter> parameters,
      List<String> losses,
      List<String> predictions) {
    this.network = withOwn(parameters, graph);
    this.lossPart = withOwn(parameters, graph);
    this.feeds = feeds;
    this.losses = losses;
    this.predictions = predictions;
    Map<String, INDArray> outputs = ReferenceInterpreter.run(network, feeds, predictions);
    outputs.forEach((name, array) -> shapes.put(name, array.shape()));
    this.middle = flatten(outputs);
    this.lossFeeds = new HashMap<>(feeds);
    outputs.forEach(
        (name, array) -> {
          cut(name);
          INDArray fed = Arrays64.toArray(Arrays64.of(array), array.shape());
          lossFeeds.put(CUT + name, fed);
          others.put(CUT + name, fed.dup('c'));
        });
    Map<String, INDArray> changing = new HashMap<>(lossFeeds);
    changing.putAll(others);
    this.lossOfPredictions = new Downstream(lossPart, changing, others.keySet(), losses);
  }

  private static SameDiff withOwn(List<Parameter> parameters, SameDiff graph) {
    SameDiff copy = GraphCopy.of(graph);
    for (Parameter parameter : parameters) {
      copy.setArrayForVariable(parameter.name(), array(graph, parameter).dup('c'));
    }
    return copy;
  }

  private void cut(String name) {
    Replacement.inReaders(lossPart, name, lossPart.placeHolder(CUT + name, DataType.DOUBLE));
  }

  /** The shape of each output that makes up the predictions, in their order. */
  Map<String, long[]> predictionShapes() {
    return shapes;
  }

  /** All predictions, one after the other in 'c' order. */
  double[] predictions() {
    return middle.clone();
  }

  /** The predictions for other feeds. */
  synchronized double[] predictions(Map<String, INDArray> otherFeeds) {
    return flatten(ReferenceInterpreter.run(network, otherFeeds, predictions));
  }

  /** The predictions as an entry of a parameter moves. */
  Curve predictionsAlong(Parameter parameter, long index) {
    return offset ->
        with(
            network,
            parameter,
            index,
            offset,
            () -> flatten(downstream("predictions", network, parameter, feeds, predictions)));
  }

  /** The loss as an entry of a parameter moves. */
  Curve lossAlong(Parameter parameter, long index) {
    return offset ->
        with(
            network,
            parameter,
            index,
            offset,
            () -> sum(downstream("loss", network, parameter, feeds, losses)));
  }

  /**
   * The loss as an entry of a parameter moves, but no prediction: the penalties, plus a constant.
   */
  Curve penaltyAlong(Parameter parameter, long index) {
    return offset ->
        with(
            lossPart,
            parameter,
            index,
            offset,
            () -> sum(downstream("penalty", lossPart, parameter, lossFeeds, losses)));
  }

  /** What a parameter's numbers, as they are now, make of some variables. */
  private Map<String, INDArray> downstream(
      String kind,
      SameDiff graph,
      Parameter parameter,
      Map<String, INDArray> fed,
      List<String> names) {
    if (!parameter.name().equals(recentParameter)) {
      recent.clear();
      recentParameter = parameter.name();
    }
    return recent
        .computeIfAbsent(kind, k -> new Downstream(graph, fed, List.of(parameter.name()), names))
        .run();
  }

  /** The loss for other predictions; penalties as they are. */
  synchronized double[] loss(double[] otherPredictions) {
    int offset = 0;
    for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
      long[] shape = entry.getValue();
      int length = Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b));
      double[] part = Arrays.copyOfRange(otherPredictions, offset, offset + length);
      Objects.requireNonNull(others.get(CUT + entry.getKey()))
          .assign(Arrays64.toArray(part, shape));
      offset += length;
    }
    return sum(lossOfPredictions.run());
  }

  /** An entry of a parameter. */
  double value(Parameter parameter, long index) {
    return array(network, parameter).getDouble(index);
  }

  private interface Evaluation {
    double[] run();
  }

  /** One thread at a time: no other may see the changed parameter. */
  private synchronized double[] with(
      SameDiff graph, Parameter parameter, long index, double offset, Evaluation evaluation) {
    INDArray array = array(graph, parameter);
    double value = array.getDouble(index);
    array.putScalar(index, value + offset);
    try {
      return evaluation.run();
    } finally {
      array.putScalar(index, value);
    }
  }

  private static INDArray array(SameDiff graph, Parameter parameter) {
    return Objects.requireNonNull(graph.getArrForVarName(parameter.name()));
  }

  private static double[] sum(Map<String, INDArray> arrays) {
    return new double[] {Arrays.stream(flatten(arrays)).sum()};
  }

  private static double[] flatten(Map<String, INDArray> arrays) {
    Collection<INDArray> values = arrays.values();
    return values.stream().map(Arrays64::of).flatMapToDouble(Arrays::stream).toArray();
  }
}
