package org.backpack4j.dl4j.internal.trained;

import java.util.ArrayList;
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
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
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
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A network of Deeplearning4j. Layers of a MultiLayerNetwork have their numbers for names. */
public final class TrainedNetwork implements TrainedModel {
  private final Model net;
  private final List<String> inputs;
  private final List<String> outputs;
  private final @Nullable String output;

  /** The network without what it does in training alone, for the parameters that it has. */
  private Model evaluated;

  /**
   * A network with the losses of all its outputs.
   *
   * @param net the network, which is initialised if it is not yet
   */
  public TrainedNetwork(Model net) {
    this(initialised(net), null);
  }

  private TrainedNetwork(Model net, @Nullable String output) {
    this.net = net;
    this.output = output;
    this.evaluated = net;
    this.inputs = InputShapes.inputs(net);
    this.outputs =
        net instanceof ComputationGraph graph
            ? List.copyOf(graph.getConfiguration().getNetworkOutputs())
            : List.of(Integer.toString(((MultiLayerNetwork) net).getnLayers() - 1));
  }

  private static Model initialised(Model net) {
    net.init();
    return net;
  }

  /** The network as it is in evaluation; it may have been given other arrays since. */
  @SuppressWarnings("ReferenceEquality")
  private Model evaluated() {
    if (evaluated == net || evaluated.params() != net.params()) {
      evaluated = EvaluationMode.of(net);
    }
    return evaluated;
  }

  /** The array that all parameters are views of; another may take its place. */
  public INDArray vector() {
    return net.params();
  }

  // ---- how it is fed ----

  /** The names of the inputs. */
  public List<String> inputs() {
    return inputs;
  }

  @Override
  public void checkMapping() {}

  @Override
  public TrainedModel ofOutput(@Nullable String name) {
    return new TrainedNetwork(net, output(name));
  }

  /**
   * One of the outputs.
   *
   * @param name its name; null for the only one
   * @throws IllegalArgumentException if there is no such output, or there are several
   */
  public String output(@Nullable String name) {
    if (name == null ? outputs.size() != 1 : !outputs.contains(name)) {
      throw new IllegalArgumentException(
          (name == null
                  ? "The network has the outputs "
                  : "The network has no output \"" + name + "\"; it has ")
              + outputs
              + ": choose one by output(…).");
    }
    return name == null ? outputs.get(0) : name;
  }

  /**
   * Refuses features that do not fit.
   *
   * @throws IllegalArgumentException if there is not an array for each input, or one has another
   *     shape than the configuration tells
   */
  public void checkFeatures(INDArray @Nullable [] features) {
    int count = features == null ? 0 : features.length;
    if (features == null || count != inputs.size()) {
      throw new IllegalArgumentException(
          "The network has the inputs %s, and there are %d arrays of features."
              .formatted(inputs, count));
    }
    InputShapes.check(net, features);
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

  // ---- what it answers ----

  /** The shape of a batch of features, with that of labels where the network needs it. */
  public BatchShape shapeOfFeatures(MultiDataSet batch) {
    boolean defined = InputShapes.has(net, SameDiffOutputLayer.class); // it wants labels' shape
    return BatchShape.of(
        batch.getFeatures(),
        defined ? batch.getLabels() : null,
        batch.getFeaturesMaskArrays(),
        null,
        outputs.size());
  }

  /** The network as a graph, for batches of a shape. */
  public ConvertedGraph converted(BatchShape shape) {
    return NetworkConverter.convert(evaluated(), shape, choices());
  }

  private static NetworkConversion.Choices choices() {
    return new NetworkConversion.Choices(
        Scale.SUM, BatchStatistics.RUNNING, false, false, NetworkConverter.converters());
  }

  @Override
  public OpenGraphs open(
      List<String> parameters, @Nullable String variable, Extension... extensions) {
    return new NetworkBatches(
        evaluated(), choices(), network -> extended(network, parameters, variable, extensions));
  }

  private ExtendedGraph extended(
      ConvertedGraph network,
      List<String> parameters,
      @Nullable String variable,
      Extension... extensions) {
    BackPack.Builder builder =
        network.backPack(name -> parameters.isEmpty() || parameters.contains(name));
    if (output != null && outputs.size() > 1) {
      List<String> losses = Objects.requireNonNull(network.losses().get(output));
      builder.losses(losses.toArray(new String[0]));
    }
    if (variable != null) {
      builder.variables(variable);
    }
    return builder.extend(extensions);
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

  /** The axis of an output's classes; −1 for the last. */
  public int classAxis(String name) {
    Layer layer =
        net instanceof ComputationGraph graph
            ? Objects.requireNonNull(graph.getLayer(name)).conf().getLayer()
            : ((MultiLayerNetwork) net).getLayer(Integer.parseInt(name)).conf().getLayer();
    boolean last =
        (layer instanceof RnnOutputLayer rnn && rnn.getRnnDataFormat() == RNNFormat.NWC)
            || (layer instanceof RnnLossLayer loss && loss.getRnnDataFormat() == RNNFormat.NWC)
            || (layer instanceof Cnn3DLossLayer volumes
                && volumes.getDataFormat() == Convolution3D.DataFormat.NDHWC)
            || (layer instanceof Yolo2OutputLayer yolo && yolo.getFormat() == CNN2DFormat.NHWC);
    return last ? -1 : 1;
  }

  // ---- its layers and parameters ----

  @Override
  public Set<String> layers() {
    return net instanceof ComputationGraph graph
        ? new LinkedHashSet<>(graph.getConfiguration().getVertices().keySet())
        : IntStream.range(0, ((MultiLayerNetwork) net).getnLayers())
            .mapToObj(Integer::toString)
            .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /** The embedding layers that take the numbers of an input for rows. */
  public List<String> tables(String input) {
    List<String> tables = new ArrayList<>(InputShapes.names(net, EmbeddingSequenceLayer.class));
    tables.addAll(InputShapes.names(net, EmbeddingLayer.class));
    tables.removeIf(layer -> !reads(layer, input));
    return tables;
  }

  private boolean reads(String layer, String input) {
    return net instanceof ComputationGraph graph
        ? Objects.requireNonNull(graph.getConfiguration().getVertexInputs().get(layer))
            .contains(input)
        : layer.equals("0");
  }

  @Override
  public Map<String, INDArray> arrays() {
    return net.paramTable();
  }

  @Override
  public Map<String, List<String>> weights() {
    Map<String, List<String>> weights = new LinkedHashMap<>();
    if (net instanceof ComputationGraph graph) {
      for (GraphVertex vertex : graph.getVertices()) {
        String name = vertex.getVertexName();
        org.deeplearning4j.nn.conf.graph.GraphVertex conf =
            graph.getConfiguration().getVertices().get(name);
        if (conf instanceof LayerVertex layer) {
          add(weights, name, keys(layer.getLayerConf().getLayer()));
        } else if (conf != null && !(conf instanceof FrozenVertex)) {
          add(weights, name, keys(vertex.paramTable(false)));
        }
      }
    } else {
      MultiLayerConfiguration conf = ((MultiLayerNetwork) net).getLayerWiseConfigurations();
      for (int k = 0; k < conf.getConfs().size(); k++) {
        add(weights, Integer.toString(k), keys(conf.getConf(k).getLayer()));
      }
    }
    return weights;
  }

  /** A frozen layer says that it has none. */
  private static List<String> keys(Layer conf) {
    return conf.initializer().weightKeys(conf);
  }

  /** A vertex does not say; a bias has a single row. */
  private static List<String> keys(@Nullable Map<String, INDArray> table) {
    return table == null
        ? List.of()
        : table.entrySet().stream()
            .filter(e -> e.getValue().rank() > 1 && e.getValue().size(0) > 1)
            .map(Map.Entry::getKey)
            .toList();
  }

  private static void add(Map<String, List<String>> weights, String name, List<String> keys) {
    if (!keys.isEmpty()) {
      weights.put(name, keys.stream().map(key -> name + "_" + key).toList());
    }
  }

  @Override
  public String digest() {
    return new Contents().add(net.params()).text();
  }
}
