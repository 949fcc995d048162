package org.backpack4j.dl4j.internal.convert;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** What a network was converted to: the graph, and how a batch and an iteration are fed to it. */
public final class ConvertedGraph {
  private final ConversionResult result;

  /** Of what a conversion has made. */
  public ConvertedGraph(ConversionResult result) {
    this.result = result;
  }

  /**
   * The graph. Its loss variables are the losses of the network's outputs.
   *
   * @return the graph
   */
  public SameDiff sameDiff() {
    return result.graph();
  }

  /**
   * The trained parameters: those that have quantities.
   *
   * @return their names, DL4J's, in the order of the layers
   */
  public List<String> parameters() {
    return result.parameters();
  }

  /**
   * The activations of a layer or vertex.
   *
   * @param name its name; of a layer of a MultiLayerNetwork, its number
   * @return the name of the variable
   */
  public String activations(String name) {
    String variable = result.activations().get(name);
    if (variable == null) {
      throw new IllegalArgumentException(
          "The network has no layer or vertex \""
              + name
              + "\"; it has "
              + result.activations().keySet()
              + ".");
    }
    return variable;
  }

  /**
   * The activations of all layers and vertices, laid out as DL4J's, and the network's inputs.
   *
   * @return the names of the variables by the names of layers, vertices and inputs
   */
  public Map<String, String> activations() {
    return result.activations();
  }

  /**
   * What goes into the softmax or sigmoid that an output ends in, laid out as its activations; the
   * activations themselves if it ends in neither.
   *
   * @param output the output
   * @return the name of the variable
   */
  public String logits(String output) {
    SDVariable activations = sameDiff().getVariable(activations(output));
    Probabilities found = Probabilities.of(activations);
    return found == null ? activations.name() : found.argument().name();
  }

  /** What batch normalisation has computed of the batch. */
  public List<ConversionResult.BatchStatistic> statistics() {
    return result.statistics();
  }

  /**
   * The loss variables.
   *
   * @return their names by the names of the outputs; an output's loss is the sum of its variables
   */
  public Map<String, List<String>> losses() {
    return result.losses();
  }

  /**
   * Where second-order quantities start, if a loss is written out of simple ops.
   *
   * @return the names of the predictions of all outputs; none if the losses know it themselves
   */
  public List<String> predictions() {
    return result.predictions();
  }

  /**
   * What is to be known of second-order quantities: where they start at the probabilities of a
   * softmax or sigmoid, not in front of it.
   *
   * @return a sentence for each such output
   */
  public List<String> notes() {
    return result.notes();
  }

  /**
   * The placeholders of the labels.
   *
   * @return their names, one for each output
   */
  public List<String> labels() {
    return result.labels();
  }

  /**
   * Extends the graph for all trained parameters.
   *
   * @param extensions the quantities
   * @return the extended graph
   */
  public ExtendedGraph extend(Extension... extensions) {
    return backPack().extend(extensions);
  }

  /**
   * Extends the graph with choices.
   *
   * @return a builder that knows which parameters are trained and where second-order quantities
   *     start
   */
  public BackPack.Builder backPack() {
    return backPack(p -> true);
  }

  public BackPack.Builder backPack(Predicate<String> chosen) {
    BackPack.Builder builder =
        BackPack.on(sameDiff())
            .conversion()
            .places(this::place)
            .parameters(p -> parameters().contains(p) && chosen.test(p));
    return result.predictions().isEmpty()
        ? builder
        : builder.predictions(result.predictions().toArray(new String[0]));
  }

  /** The layer or vertex that a variable belongs to; the variable's own name if it has none. */
  public String place(String variable) {
    return result.activations().keySet().stream()
        .filter(name -> variable.startsWith(name + "/"))
        .max(Comparator.comparingInt(String::length))
        .map(ConvertedGraph::placeOf)
        .orElse(variable);
  }

  /** What a refusal calls a layer or vertex. */
  public static String placeOf(String layer) {
    return "layer \"" + layer + "\"";
  }

  /**
   * A batch as the graph wants it.
   *
   * @param batch features and labels, with masks if the graph was made for them
   * @return an array for each placeholder
   */
  public Map<String, INDArray> feeds(DataSet batch) {
    return feeds(batch.toMultiDataSet());
  }

  /**
   * A batch as the graph wants it.
   *
   * @param batch features and labels, with masks if the graph was made for them
   * @return an array for each placeholder
   */
  public Map<String, INDArray> feeds(MultiDataSet batch) {
    return feeds(
        batch.getFeatures(),
        batch.getLabels(),
        batch.getFeaturesMaskArrays(),
        batch.getLabelsMaskArrays());
  }

  /**
   * Adds what belongs to one iteration, and has the graph read the iteration's own parameters.
   *
   * @param feeds the batch
   * @param added what DL4J has made of layers' inputs, as the iteration's first graph finds it out;
   *     that has to be one of training, where the inputs are DL4J's
   */
  public void add(IterationState given, Map<String, INDArray> feeds, Map<String, INDArray> added) {
    result.noisy().clear();
    result.noisy().putAll(given.parameters());
    result
        .given()
        .forEach(
            (name, rows) -> {
              KeptInput kept = result.kept().get(name);
              INDArray array =
                  kept == null
                      ? given.array(name)
                      : added.computeIfAbsent(
                          name, n -> kept.drawn(evaluate(kept.input(), feeds), given.array(n)));
              feeds.put(name, fit(sameDiff().getVariable(name), IterationState.feed(array, rows)));
            });
  }

  /** A variable that needs nothing but the feeds. */
  public INDArray evaluate(String variable, Map<String, INDArray> feeds) {
    INDArray value =
        Objects.requireNonNull(sameDiff().output(feeds, variable).get(variable)).dup('c');
    sameDiff().getSessions().clear();
    return value;
  }

  /** The loss: the sum of all outputs'. */
  public double loss(Map<String, INDArray> feeds) {
    double sum = 0;
    for (List<String> variables : losses().values()) {
      for (String variable : variables) {
        sum += evaluate(variable, feeds).sumNumber().doubleValue();
      }
    }
    return sum;
  }

  /** For each parameter below a layer that could not be converted, what stands in the way. */
  public Map<String, Obstacle> outOfReach() {
    return result.outOfReach();
  }

  /** The layers and vertices that could not be converted, whose activations are fed. */
  public Set<String> begins() {
    return result.begins();
  }

  /**
   * A batch as the graph wants it: of the network's type. Arrays of that type are not copied. Where
   * the network is trained by truncated backpropagation through time, recurrent layers begin with
   * zeros, as with the first part of a sequence.
   *
   * @param features for each input an array
   * @param labels for each output an array
   * @param featureMasks null, or for each input a mask or null
   * @param labelMasks null, or for each output a mask or null
   * @return an array for each placeholder
   */
  public Map<String, INDArray> feeds(
      INDArray[] features,
      INDArray[] labels,
      @Nullable INDArray @Nullable [] featureMasks,
      @Nullable INDArray @Nullable [] labelMasks) {
    return feeds(new NetworkBatch(features, labels, featureMasks, labelMasks, Map.of()));
  }

  public Map<String, INDArray> feeds(NetworkBatch batch) {
    Map<String, INDArray> feeds = inputs(batch);
    put(feeds, result.labels(), batch.labels());
    put(feeds, result.labelMasks(), batch.labelMasks());
    return feeds;
  }

  /** What activations depend on: features, their masks, what recurrent layers begin with. */
  public Map<String, INDArray> inputs(NetworkBatch batch) {
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    put(feeds, result.features(), batch.features());
    put(feeds, result.featureMasks(), batch.featureMasks());
    result.states().forEach((name, state) -> feeds.put(name, begun(name, state, batch)));
    return feeds;
  }

  private INDArray begun(String name, ConversionResult.State state, NetworkBatch batch) {
    INDArray begun = batch.states().getOrDefault(state.layer(), Map.of()).get(state.key());
    DataType type = sameDiff().getVariable(name).dataType();
    return begun == null ? Nd4j.zeros(type, batch.samples(), state.units()) : begun.castTo(type);
  }

  private void put(
      Map<String, INDArray> feeds,
      List<@Nullable String> names,
      @Nullable INDArray @Nullable [] arrays) {
    for (int k = 0; k < names.size(); k++) {
      String name = names.get(k);
      INDArray array = arrays == null || arrays.length <= k ? null : arrays[k];
      if ((name == null) != (array == null)) {
        throw new IllegalArgumentException(
            name == null
                ? "The graph was made for batches without the mask number " + k + "."
                : "There is no array for \"" + name + "\".");
      }
      if (name != null && array != null) {
        feeds.put(name, fit(sameDiff().getVariable(name), array));
      }
    }
  }

  private static INDArray fit(SDVariable placeholder, INDArray array) {
    INDArray typed = array.castTo(placeholder.dataType());
    long[] shape = placeholder.placeholderShape();
    for (int k = 1; typed.rank() == shape.length && k < shape.length; k++) {
      if (shape[k] >= 0 && shape[k] != typed.size(k)) {
        throw new IllegalArgumentException(
            "The array for \"%s\" has the shape %s; the graph was made for %s."
                .formatted(
                    placeholder.name(),
                    Arrays.toString(typed.shape()),
                    Arrays.toString(shape).replace("[-1", "[N")));
      }
    }
    return typed.rank() == shape.length || array.length() == 0
        ? typed
        : typed.reshape(withSamples(shape, typed));
  }

  private static long[] withSamples(long[] shape, INDArray array) {
    long[] full = shape.clone();
    full[0] = array.size(0);
    return full;
  }
}
