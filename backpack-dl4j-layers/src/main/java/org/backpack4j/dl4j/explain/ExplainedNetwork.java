package org.backpack4j.dl4j.explain;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.internal.trained.EvaluationMode;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A network of DL4J, in evaluation mode. */
final class ExplainedNetwork extends ExplainedModel {
  private static final String INPUT = "input";

  private final Model net;

  /** The network without what it does in training alone. */
  private Model evaluated;

  private final List<String> inputs;
  private final List<String> outputs;

  private record Key(BatchShape shape, Choice choice) {}

  ExplainedNetwork(ComputationGraph net) {
    net.init();
    this.net = net;
    evaluated = EvaluationMode.of(net);
    inputs = List.copyOf(net.getConfiguration().getNetworkInputs());
    outputs = List.copyOf(net.getConfiguration().getNetworkOutputs());
  }

  ExplainedNetwork(MultiLayerNetwork net) {
    net.init();
    this.net = net;
    evaluated = EvaluationMode.of(net);
    inputs = List.of(INPUT);
    outputs = List.of(Integer.toString(net.getnLayers() - 1));
  }

  @Override
  Cut of(MultiDataSet batch, Choice choice) {
    INDArray[] features = batch.getFeatures();
    if (features == null || features.length != inputs.size()) {
      throw new IllegalArgumentException(
          "The network has the inputs %s, and there are %d arrays of features."
              .formatted(inputs, features == null ? 0 : features.length));
    }
    InputShapes.check(net, features);
    follow();
    boolean defined = InputShapes.has(net, SameDiffOutputLayer.class); // it wants labels' shape
    BatchShape shape =
        BatchShape.of(
            features,
            defined ? batch.getLabels() : null,
            batch.getFeaturesMaskArrays(),
            null,
            outputs.size());
    NetworkBatch given =
        new NetworkBatch(features, new INDArray[0], batch.getFeaturesMaskArrays(), null, Map.of());
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
    if (evaluated.params() != net.params()) {
      close();
      evaluated = EvaluationMode.of(net);
    }
  }

  private Kept make(BatchShape shape, NetworkBatch batch, Choice choice) {
    String output = output(choice);
    List<String> points = choice.points().isEmpty() ? inputs : choice.points();
    points.forEach(this::refuseNumbers);
    ConvertedGraph converted =
        NetworkConverter.convert(
            evaluated,
            shape,
            new NetworkConversion.Choices(
                Scale.SUM, BatchStatistics.RUNNING, false, false, NetworkConverter.converters()));
    Map<String, String> variables = new LinkedHashMap<>();
    points.forEach(p -> variables.put(p, inputs.contains(p) ? p : converted.activations(p)));
    String scores =
        choice.probabilities() ? converted.activations(output) : converted.logits(output);
    ExplainedGraph graph =
        new ExplainedGraph(
            converted.sameDiff(),
            true,
            new ExplainedGraph.Question(variables, scores, classAxis(output)),
            converted.inputs(batch),
            converted::place);
    return new Kept(graph, converted);
  }

  private String output(Choice choice) {
    String chosen = choice.output();
    if (chosen != null && !outputs.contains(chosen)) {
      throw new IllegalArgumentException(
          "The network has no output \"" + chosen + "\"; it has " + outputs + ".");
    }
    if (chosen == null && outputs.size() > 1) {
      throw new IllegalArgumentException(
          "The network has the outputs " + outputs + ": choose one by output(…).");
    }
    return chosen == null ? outputs.get(0) : chosen;
  }

  /** The numbers of words or classes have no derivative; what they are looked up in has one. */
  private void refuseNumbers(String point) {
    if (!inputs.contains(point)) {
      return;
    }
    List<String> tables = new ArrayList<>(InputShapes.names(net, EmbeddingSequenceLayer.class));
    tables.addAll(InputShapes.names(net, EmbeddingLayer.class));
    tables.removeIf(layer -> !reads(layer, point));
    if (!tables.isEmpty()) {
      throw new IllegalArgumentException(
          "Input \"%s\" has the numbers of rows, which have no derivative: explain what the layer that looks them up answers, at(\"%s\")."
              .formatted(point, String.join("\", \"", tables)));
    }
  }

  private boolean reads(String layer, String input) {
    return net instanceof ComputationGraph graph
        ? Objects.requireNonNull(graph.getConfiguration().getVertexInputs().get(layer))
            .contains(input)
        : layer.equals("0");
  }

  /** The axis of an output's classes; −1 for the last. */
  private int classAxis(String output) {
    Layer layer =
        net instanceof ComputationGraph graph
            ? Objects.requireNonNull(graph.getLayer(output)).conf().getLayer()
            : ((MultiLayerNetwork) net).getLayer(Integer.parseInt(output)).conf().getLayer();
    boolean last =
        (layer instanceof RnnOutputLayer rnn && rnn.getRnnDataFormat() == RNNFormat.NWC)
            || (layer instanceof RnnLossLayer loss && loss.getRnnDataFormat() == RNNFormat.NWC)
            || (layer instanceof Cnn3DLossLayer volumes
                && volumes.getDataFormat() == Convolution3D.DataFormat.NDHWC)
            || (layer instanceof Yolo2OutputLayer yolo && yolo.getFormat() == CNN2DFormat.NHWC);
    return last ? -1 : 1;
  }
}
