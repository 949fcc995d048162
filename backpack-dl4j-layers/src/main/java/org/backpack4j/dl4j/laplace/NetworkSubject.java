package org.backpack4j.dl4j.laplace;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.internal.trained.EvaluationMode;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A network of Deeplearning4j. */
final class NetworkSubject implements Subject {
  /** As many kinds of batches are kept. */
  private static final int KINDS = 8;

  private final Model net;
  private final Model evaluated;
  private final List<String> outputs;
  private final String output;

  NetworkSubject(Model net, @Nullable String output) {
    net.init();
    this.net = net;
    this.evaluated = EvaluationMode.of(net);
    outputs =
        net instanceof ComputationGraph graph
            ? List.copyOf(graph.getConfiguration().getNetworkOutputs())
            : List.of(Integer.toString(((MultiLayerNetwork) net).getnLayers() - 1));
    if (output == null ? outputs.size() != 1 : !outputs.contains(output)) {
      throw new IllegalArgumentException(
          (output == null
                  ? "The network has the outputs "
                  : "The network has no output \"" + output + "\"; it has ")
              + outputs
              + ": choose one by output(…). A Laplace approximation is of one likelihood.");
    }
    this.output = output == null ? outputs.get(0) : output;
  }

  private record Made(ConvertedGraph network, ExtendedGraph graph) {}

  private ConvertedGraph converted(MultiDataSet batch) {
    BatchShape shape =
        BatchShape.of(
            batch.getFeatures(),
            batch.getLabels(),
            batch.getFeaturesMaskArrays(),
            batch.getLabelsMaskArrays(),
            outputs.size());
    return converted(shape);
  }

  private ConvertedGraph converted(BatchShape shape) {
    return NetworkConverter.convert(
        evaluated,
        shape,
        new NetworkConversion.Choices(
            Scale.SUM, BatchStatistics.RUNNING, false, false, NetworkConverter.converters()));
  }

  @Override
  public Graphs open(List<String> parameters, @Nullable String variable, Extension... extensions) {
    return new Opened(parameters, variable, extensions);
  }

  private final class Opened implements Graphs {
    private final List<String> parameters;
    private final @Nullable String variable;
    private final Extension[] extensions;
    private final Map<BatchShape, Made> made = new LinkedHashMap<>(16, 0.75f, true);

    Opened(List<String> parameters, @Nullable String variable, Extension[] extensions) {
      this.variable = variable;
      this.parameters = parameters;
      this.extensions = extensions.clone();
    }

    @Override
    public GraphBatch of(MultiDataSet batch) {
      BatchShape shape =
          BatchShape.of(
              batch.getFeatures(),
              batch.getLabels(),
              batch.getFeaturesMaskArrays(),
              batch.getLabelsMaskArrays(),
              outputs.size());
      Made here = made.get(shape);
      if (here == null) {
        ConvertedGraph network = converted(shape);
        List<String> losses =
            outputs.size() == 1 ? null : Objects.requireNonNull(network.losses().get(output));
        here =
            new Made(
                network,
                Subject.extend(
                    network.backPack(parameters::contains), losses, variable, extensions));
        made.put(shape, here);
        if (made.size() > KINDS) {
          BatchShape eldest = made.keySet().iterator().next();
          made.remove(eldest).graph().close();
        }
      }
      return new GraphBatch(here.graph(), here.network().feeds(batch));
    }

    @Override
    public GraphBatch of(Map<String, INDArray> feeds) {
      throw new IllegalArgumentException("A network's batches are data sets.");
    }

    @Override
    public Map<String, String> identity() {
      return Map.of("parameters", digest());
    }

    @Override
    public void close() {
      made.values().forEach(m -> m.graph().close());
      made.clear();
    }
  }

  @Override
  public List<String> parameters(MultiDataSet batch) {
    return converted(batch).parameters();
  }

  @Override
  public Set<String> layers() {
    return net instanceof ComputationGraph graph
        ? new LinkedHashSet<>(graph.getConfiguration().getVertices().keySet())
        : IntStream.range(0, ((MultiLayerNetwork) net).getnLayers())
            .mapToObj(Integer::toString)
            .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  @Override
  public MultiDataSet unlabelled(INDArray[] features, INDArray @Nullable [] masks, Shapes like) {
    InputShapes.check(net, features);
    INDArray[] labels = new INDArray[like.labels().size()];
    for (int k = 0; k < labels.length; k++) {
      long[] shape = like.labels().get(k).clone();
      shape[0] = features[0].size(0);
      for (int axis = 2; axis < shape.length; axis++) {
        shape[axis] = extent(features, like, axis, shape[axis]);
      }
      labels[k] = Nd4j.zeros(net.params().dataType(), shape);
    }
    return new org.nd4j.linalg.dataset.MultiDataSet(features, labels, masks, null);
  }

  /** The extent of labels where those of an input differ from the fit's, such as time steps. */
  private static long extent(INDArray[] features, Shapes like, int axis, long fitted) {
    for (int k = 0; k < features.length; k++) {
      long[] then = like.features().get(k);
      if (then.length > axis && then[axis] == fitted && features[k].rank() == then.length) {
        return features[k].size(axis);
      }
    }
    return fitted;
  }

  @Override
  public INDArray laidOut(INDArray rows, long[] predictions, long samples) {
    long classes = rows.size(1);
    if (predictions.length > 2) { // the predictions are not rows themselves: classes come second
      return rows.reshape('c', samples, -1, classes)
          .permute(0, 2, 1)
          .dup('c')
          .reshape('c', predictions);
    }
    return rows.size(0) == samples
        ? rows
        : rows.reshape('c', samples, rows.size(0) / samples, classes).permute(0, 2, 1).dup('c');
  }

  @Override
  public INDArray value(String parameter) {
    return Objects.requireNonNull(evaluated.paramTable().get(parameter), parameter);
  }

  @Override
  public String digest() {
    return new Contents().add(net.params()).text();
  }

  @Override
  public String toString() {
    return "a network with the outputs " + Arrays.toString(outputs.toArray());
  }
}
