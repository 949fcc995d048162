package org.backpack4j.dl4j.laplace;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A SameDiff graph with a training configuration. */
final class GraphSubject implements Subject {
  private final SameDiff sd;
  private final SameDiff own;
  private final @Nullable List<String> losses;

  GraphSubject(SameDiff sd, @Nullable String output) {
    if (sd.getTrainingConfig() == null) {
      throw new IllegalArgumentException(
          "The graph has no training configuration, which says which placeholders features and"
              + " labels go to: setTrainingConfig(…) with dataSetFeatureMapping and"
              + " dataSetLabelMapping.");
    }
    if (output != null && !sd.getLossVariables().contains(output)) {
      throw new IllegalArgumentException(
          "output(…) of a graph names a loss variable; \""
              + output
              + "\" is none, they are "
              + sd.getLossVariables()
              + ".");
    }
    this.sd = sd;
    this.own = GraphCopy.of(sd);
    InferenceDropoutToIdentity.apply(own);
    own.setTrainingConfig(sd.getTrainingConfig());
    this.losses = output == null ? null : List.of(output);
  }

  @Override
  public Graphs open(List<String> parameters, @Nullable String variable, Extension... extensions) {
    ExtendedGraph graph =
        Subject.extend(
            BackPack.on(own).parameters(parameters.toArray(new String[0])),
            losses,
            variable,
            extensions);
    return new Graphs() {
      @Override
      public GraphBatch of(MultiDataSet batch) {
        return new GraphBatch(graph, graph.feeds(batch));
      }

      @Override
      public GraphBatch of(Map<String, INDArray> feeds) {
        return new GraphBatch(graph, feeds);
      }

      @Override
      public Map<String, String> identity() {
        return Map.of("parameters", digest());
      }

      @Override
      public void close() {
        graph.close();
      }
    };
  }

  @Override
  public List<String> parameters(MultiDataSet batch) {
    BackPack.Builder builder = BackPack.on(own).conversion();
    try (ExtendedGraph graph = Subject.extend(builder, losses, null)) {
      return graph.parameters();
    }
  }

  @Override
  public Set<String> layers() {
    return Set.of();
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

  @Override
  public INDArray laidOut(INDArray rows, long[] predictions, long samples) {
    return rows.reshape('c', predictions);
  }

  @Override
  public INDArray value(String parameter) {
    return Objects.requireNonNull(sd.getVariable(parameter).getArr(), parameter);
  }

  @Override
  public String digest() {
    Contents contents = new Contents();
    sd.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.VARIABLE)
        .map(SDVariable::name)
        .sorted()
        .forEach(name -> contents.add(name).add(sd.getVariable(name).getArr()));
    return contents.text();
  }
}
