package org.backpack4j.dl4j.explain;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.trained.TrainedNetwork;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A network of DL4J, in evaluation mode. */
final class ExplainedNetwork extends ExplainedModel {
  private final TrainedNetwork net;

  /** The array of parameters that graphs were made for. */
  private INDArray parameters;

  private record Key(BatchShape shape, Choice choice) {}

  ExplainedNetwork(Model net) {
    this.net = new TrainedNetwork(net);
    this.parameters = this.net.vector();
  }

  @Override
  Cut of(MultiDataSet batch, Choice choice) {
    net.checkFeatures(batch.getFeatures());
    follow();
    BatchShape shape = net.shapeOfFeatures(batch);
    NetworkBatch given =
        new NetworkBatch(
            batch.getFeatures(), new INDArray[0], batch.getFeaturesMaskArrays(), null, Map.of());
    Kept kept = kept(new Key(shape, choice), () -> make(shape, given, choice));
    return new Cut(kept.graph(), ((ConvertedGraph) kept.feeder()).inputs(given));
  }

  @Override
  Cut of(Map<String, INDArray> feeds, Choice choice) {
    throw new IllegalArgumentException(
        "A network is fed features: explain(INDArray…), explain(DataSet) or"
            + " explain(MultiDataSet).");
  }

  /** The network may have been given other arrays since. */
  @SuppressWarnings("ReferenceEquality")
  private void follow() {
    if (parameters != net.vector()) {
      close();
      parameters = net.vector();
    }
  }

  private Kept make(BatchShape shape, NetworkBatch batch, Choice choice) {
    String output = net.output(choice.output());
    List<String> points = choice.points().isEmpty() ? net.inputs() : choice.points();
    points.forEach(this::refuseNumbers);
    ConvertedGraph converted = net.converted(shape);
    Map<String, String> variables = new LinkedHashMap<>();
    points.forEach(p -> variables.put(p, net.inputs().contains(p) ? p : converted.activations(p)));
    String scores =
        choice.probabilities() ? converted.activations(output) : converted.logits(output);
    ExplainedGraph graph =
        new ExplainedGraph(
            converted.sameDiff(),
            true,
            new ExplainedGraph.Question(variables, scores, net.classAxis(output)),
            converted.inputs(batch),
            converted::place);
    return new Kept(graph, converted);
  }

  /** The numbers of words or classes have no derivative; what they are looked up in has one. */
  private void refuseNumbers(String point) {
    List<String> tables = net.inputs().contains(point) ? net.tables(point) : List.of();
    if (!tables.isEmpty()) {
      throw new IllegalArgumentException(
          "Input \"%s\" has the numbers of rows, which have no derivative: explain what the layer that looks them up answers, at(\"%s\")."
              .formatted(point, String.join("\", \"", tables)));
    }
  }
}
