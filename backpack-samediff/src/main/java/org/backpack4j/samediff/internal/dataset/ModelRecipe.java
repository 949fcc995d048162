package org.backpack4j.samediff.internal.dataset;

import static org.nd4j.linalg.api.buffer.DataType.FLOAT;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.GraphRecipe;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.extend.Choices;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.internal.nd4j.SaveRepair;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * A SameDiff model in its saved form, and what it is extended by. Extending it anew is surer than
 * sending all that is known of an extended graph; that the graph is the same is checked.
 */
public final class ModelRecipe implements GraphRecipe {
  private static final long serialVersionUID = 1L;

  private final byte[] model;
  private final @Nullable Mapping mapping;
  private final Choices choices;
  private final ArrayList<Extension> extensions;
  private final String graph;

  /** How data sets are fed, of a training configuration. */
  private record Mapping(
      List<String> features,
      List<String> labels,
      List<String> featureMasks,
      List<String> labelMasks)
      implements Serializable {

    static @Nullable Mapping of(@Nullable TrainingConfig config) {
      return config == null
          ? null
          : new Mapping(
              list(config.getDataSetFeatureMapping()),
              list(config.getDataSetLabelMapping()),
              list(config.getDataSetFeatureMaskMapping()),
              list(config.getDataSetLabelMaskMapping()));
    }

    private static List<String> list(@Nullable List<String> names) {
      return names == null ? List.of() : List.copyOf(names);
    }

    TrainingConfig config() {
      return new TrainingConfig(
          new Sgd(), List.of(), true, features, labels, featureMasks, labelMasks, null, FLOAT);
    }
  }

  /** The extended graph, which is nobody else's. */
  private record Made(ExtendedGraph graph) implements BatchGraphs, AutoCloseable {
    @Override
    public GraphBatch of(MultiDataSet batch) {
      return of(graph.feeds(batch));
    }

    @Override
    public GraphBatch of(Map<String, INDArray> feeds) {
      return new GraphBatch(graph, feeds);
    }

    @Override
    public Map<String, String> identity() {
      return Identity.of(graph.sameDiff());
    }

    @Override
    public void close() {
      graph.close();
    }
  }

  /**
   * A recipe.
   *
   * @param source the model
   * @param choices how it was extended
   * @param extended what came of it
   * @throws IllegalArgumentException if M2.1 cannot save the model
   */
  public ModelRecipe(SameDiff source, Choices choices, ExtendedGraph extended) {
    this.choices = choices;
    this.extensions = new ArrayList<>(extended.extensions());
    this.mapping = Mapping.of(source.getTrainingConfig());
    this.model = saved(source);
    this.graph = digest(extended);
  }

  private static byte[] saved(SameDiff source) {
    SameDiff copy = GraphCopy.of(source);
    List<SameDiffOp> lost = SaveRepair.lost(copy);
    if (!lost.isEmpty()) {
      throw new IllegalArgumentException(
          "The model cannot be sent to other machines: ND4J 1.0.0-M2.1 does not save and load "
              + lost.stream()
                  .map(op -> "\"" + op.getName() + "\" (" + op.getOp().opName() + ")")
                  .collect(Collectors.joining(", "))
              + ". Write a GraphRecipe that builds the model there.");
    }
    ByteBuffer form = copy.asFlatBuffers(false);
    byte[] bytes = new byte[form.remaining()];
    form.get(bytes);
    return bytes;
  }

  private static String digest(ExtendedGraph extended) {
    return Identity.of(extended.sameDiff()).toString();
  }

  @Override
  public BatchGraphs make() {
    SameDiff loaded;
    try {
      loaded = SameDiff.fromFlatBuffers(ByteBuffer.wrap(model));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (mapping != null) {
      loaded.setTrainingConfig(mapping.config());
    }
    ExtendedGraph made =
        choices.apply(BackPack.on(loaded)).extend(extensions.toArray(Extension[]::new));
    if (!digest(made).equals(graph)) {
      made.close();
      throw new IllegalStateException(
          "The extended graph is another one here than where it was made: all machines need the"
              + " same versions of this library and of ND4J.");
    }
    return new Made(made);
  }

  @Override
  public List<Extension> extensions() {
    return List.copyOf(extensions);
  }

  @Override
  public boolean shared() {
    return true;
  }
}
