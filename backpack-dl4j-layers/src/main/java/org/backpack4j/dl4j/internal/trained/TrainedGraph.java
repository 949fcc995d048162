package org.backpack4j.dl4j.internal.trained;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Jacobian;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A SameDiff graph. */
public final class TrainedGraph implements TrainedModel {
  private final SameDiff sd;
  private final @Nullable String output;

  /** A graph with all its losses. */
  public TrainedGraph(SameDiff sd) {
    this(sd, null);
  }

  private TrainedGraph(SameDiff sd, @Nullable String output) {
    this.sd = sd;
    this.output = output;
  }

  // ---- how it is fed ----

  @Override
  public void checkMapping() {
    if (sd.getTrainingConfig() == null) {
      throw new IllegalArgumentException(
          "The graph has no training configuration, which says which placeholders features and"
              + " labels go to: setTrainingConfig(…) with dataSetFeatureMapping and"
              + " dataSetLabelMapping.");
    }
  }

  @Override
  public TrainedModel ofOutput(@Nullable String name) {
    if (name != null && !sd.getLossVariables().contains(name)) {
      throw new IllegalArgumentException(
          "output(…) of a graph names a loss variable; \""
              + name
              + "\" is none, they are "
              + sd.getLossVariables()
              + ".");
    }
    return new TrainedGraph(sd, name);
  }

  /**
   * Features and their masks by placeholder, as the training configuration maps them.
   *
   * @param config the training configuration
   */
  public static Map<String, INDArray> features(TrainingConfig config, MultiDataSet batch) {
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    put(feeds, config.getDataSetFeatureMapping(), batch.getFeatures());
    put(feeds, config.getDataSetFeatureMaskMapping(), batch.getFeaturesMaskArrays());
    return feeds;
  }

  private static void put(
      Map<String, INDArray> feeds,
      @Nullable List<String> placeholders,
      INDArray @Nullable [] arrays) {
    if (placeholders == null || arrays == null) {
      return;
    }
    for (int k = 0; k < Math.min(placeholders.size(), arrays.length); k++) {
      if (arrays[k] != null) {
        feeds.put(placeholders.get(k), arrays[k]);
      }
    }
  }

  @Override
  public MultiDataSet unlabelled(INDArray[] features, INDArray @Nullable [] masks, Shapes like) {
    INDArray[] labels = new INDArray[like.labels().size()];
    for (int k = 0; k < labels.length; k++) {
      long[] shape = like.labels().get(k).clone();
      shape[0] = shape[0] / like.features().get(0)[0] * features[0].size(0);
      labels[k] = Nd4j.zeros(shape);
    }
    return new org.nd4j.linalg.dataset.MultiDataSet(features, labels, masks, null);
  }

  // ---- what it answers ----

  @Override
  public OpenGraphs open(
      List<String> parameters, @Nullable String variable, Extension... extensions) {
    BackPack.Builder builder = BackPack.on(sd);
    if (!parameters.isEmpty()) {
      builder.parameters(parameters.toArray(new String[0]));
    }
    if (output != null) {
      builder.losses(output);
    }
    if (variable != null) {
      builder.variables(variable);
    }
    return new Opened(builder.extend(extensions));
  }

  private static final class Opened implements OpenGraphs {
    private final ExtendedGraph graph;
    private final BatchGraphs same;

    Opened(ExtendedGraph graph) {
      this.graph = graph;
      this.same = BatchGraphs.same(graph);
    }

    @Override
    public GraphBatch of(MultiDataSet batch) {
      return same.of(batch);
    }

    @Override
    public GraphBatch of(Map<String, INDArray> feeds) {
      return same.of(feeds);
    }

    @Override
    public Map<String, String> identity() {
      return same.identity();
    }

    @Override
    public void close() {
      graph.close();
    }
  }

  @Override
  public INDArray laidOut(INDArray rows, long[] predictions, long samples) {
    return rows.reshape('c', predictions);
  }

  /** A copy as it is in evaluation, with the same arrays of parameters. */
  public SameDiff copy() {
    SameDiff own = GraphCopy.of(sd);
    InferenceDropoutToIdentity.apply(own);
    return own;
  }

  /** The variables that the losses compare with labels. */
  public List<String> predictions() {
    if (sd.getLossVariables().isEmpty()) {
      return List.of();
    }
    try (ExtendedGraph graph = BackPack.on(sd).conversion().lenient().extend(new Jacobian())) {
      return List.copyOf(graph.predictions());
    }
  }

  // ---- its parameters ----

  private List<String> variables() {
    List<String> names = new ArrayList<>();
    for (SDVariable v : sd.variables()) {
      if (v.getVariableType() == VariableType.VARIABLE) {
        names.add(v.name());
      }
    }
    return names;
  }

  @Override
  public Map<String, INDArray> arrays() {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    for (String name : variables()) {
      if (sd.getVariable(name).dataType().isFPType()) {
        arrays.put(name, sd.getVariable(name).getArr());
      }
    }
    return arrays;
  }

  @Override
  public Map<String, List<String>> weights() {
    Map<String, List<String>> weights = new LinkedHashMap<>();
    arrays()
        .forEach(
            (name, array) -> {
              if (array.rank() > 1) {
                weights.put(name, List.of(name));
              }
            });
    return weights;
  }

  @Override
  public Set<String> layers() {
    return Set.of();
  }

  @Override
  public String digest() {
    Contents contents = new Contents();
    variables().stream()
        .sorted()
        .forEach(name -> contents.add(name).add(sd.getVariable(name).getArr()));
    return contents.text();
  }
}
