package org.backpack4j.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.dl4j.internal.activation.Activations;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConverterRegistry;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.internal.convert.Obstacle;
import org.backpack4j.dl4j.internal.dropout.Dropouts;
import org.backpack4j.dl4j.internal.layer.Layers;
import org.backpack4j.dl4j.internal.loss.LossConverters;
import org.backpack4j.dl4j.internal.preprocessor.Preprocessors;
import org.backpack4j.dl4j.internal.vertex.Vertices;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Turns a {@code ComputationGraph} or a {@code MultiLayerNetwork} into a SameDiff graph with a
 * loss.
 *
 * <p>The graph computes what the network computes in training mode. Its parameters bear DL4J's
 * names ({@code conv1_W}, {@code 0_W}), have DL4J's layouts, and share the network's arrays: views
 * of its flat vector of parameters, looked up at each evaluation. Nothing is copied but features
 * and labels that are not of the network's type. The network is only read.
 *
 * <p>l1, l2 and weight decay are not part of the loss: DL4J adds them to the summed gradient in its
 * updater, and {@code gradient()} is without them too.
 */
public final class Dl4jConverter {
  private static final ConverterRegistry TABLES =
      new ConverterRegistry(
          Layers.table(),
          Vertices.table(),
          Preprocessors.table(),
          Activations.table(),
          LossConverters.table(),
          Dropouts.table());

  /** A conversion for use without a listener. */
  private static final NetworkConversion.Choices BY_ITSELF =
      new NetworkConversion.Choices(Scale.SUM, BatchStatistics.BATCH, false, false);

  private Dl4jConverter() {}

  /**
   * Converts a network whose configuration tells the shape of its inputs, or that is told it. The
   * loss is the sum of the samples' losses, as in DL4J's {@code gradient()}.
   *
   * @param net a ComputationGraph or a MultiLayerNetwork
   * @param inputShapes for each input the shape of one sample; none if dense layers read the inputs
   * @return the graph
   * @throws UnconvertibleNetworkException if something in it cannot be converted; it lists every
   *     obstacle
   * @throws IllegalArgumentException if the shape of an input is not known
   */
  public static ConvertedNetwork toSameDiff(Model net, long[]... inputShapes) {
    Builder builder = on(net);
    return (inputShapes.length == 0 ? builder : builder.inputShapes(inputShapes)).convert();
  }

  /**
   * Converts a network with choices.
   *
   * @param net a ComputationGraph or a MultiLayerNetwork
   * @return a builder, whose {@link Builder#convert} converts it
   */
  public static Builder on(Model net) {
    return new Builder(net);
  }

  /**
   * Finds what stands in the way of a conversion, as far as the configuration tells it.
   *
   * @param net a ComputationGraph or a MultiLayerNetwork
   * @return all obstacles; none if it can be converted, provided that its shapes fit
   */
  public static List<Obstacle> obstacles(Model net) {
    return NetworkConversion.check(net, TABLES, BY_ITSELF);
  }

  /** The same where what belongs to an iteration can be had. */
  static List<Obstacle> obstacles(Model net, boolean lenient) {
    return NetworkConversion.check(
        net,
        TABLES,
        new NetworkConversion.Choices(Scale.SUM, BatchStatistics.BATCH, true, lenient));
  }

  /** What belongs to the iteration alone whose forward pass a network has just made. */
  static IterationState given(Model net, Map<String, INDArray> activations, Set<String> needed) {
    return IterationState.afterForwardPass(net, TABLES, activations, needed);
  }

  /** The same with what there is only now that the network has made its backward pass. */
  static IterationState given(Model net, IterationState before) {
    return before.andAfterBackwardPass(net, TABLES);
  }

  static boolean normalisesBatches(Model net) {
    return has(net, BatchNormalization.class);
  }

  static boolean has(Model net, Class<? extends Layer> kind) {
    return InputShapes.has(net, kind);
  }

  /** Choices for a conversion. Each call changes and answers the builder. */
  public static final class Builder {
    private final Model net;
    private Scale scale = Scale.SUM;
    private BatchStatistics statistics = BatchStatistics.BATCH;
    private @Nullable BatchShape shape;
    private boolean iteration;
    private boolean lenient;

    private Builder(Model net) {
      this.net = net;
    }

    /**
     * Tells the shapes of the inputs.
     *
     * @param inputs for each input the shape of one sample
     * @return this builder
     */
    public Builder inputShapes(long[]... inputs) {
      shape = BatchShape.of(Arrays.asList(inputs), InputShapes.outputs(net));
      return this;
    }

    /**
     * Tells the shapes by an example, with its masks.
     *
     * @param batch a batch as the network is trained with
     * @return this builder
     */
    public Builder like(DataSet batch) {
      return like(batch.toMultiDataSet());
    }

    /**
     * Tells the shapes by an example, with its masks.
     *
     * @param batch a batch as the network is trained with
     * @return this builder
     */
    public Builder like(MultiDataSet batch) {
      shape =
          BatchShape.of(
              batch.getFeatures(),
              batch.getLabels(),
              batch.getFeaturesMaskArrays(),
              batch.getLabelsMaskArrays(),
              InputShapes.outputs(net));
      return this;
    }

    Builder like(BatchShape batch) {
      shape = batch;
      return this;
    }

    /** Has the graph fed what belongs to one iteration, and may begin it where that helps. */
    Builder iteration(boolean leaveOut) {
      iteration = true;
      lenient = leaveOut;
      return this;
    }

    /**
     * Chooses the loss' scale, {@link Scale#SUM} by default.
     *
     * @param choice the scale
     * @return this builder
     */
    public Builder scale(Scale choice) {
      scale = choice;
      return this;
    }

    /**
     * Chooses the statistics of batch normalisation, {@link BatchStatistics#BATCH} by default.
     *
     * @param choice the statistics
     * @return this builder
     */
    public Builder statistics(BatchStatistics choice) {
      statistics = choice;
      return this;
    }

    /**
     * Converts the network.
     *
     * @return the graph
     * @throws UnconvertibleNetworkException if something in it cannot be converted; it lists every
     *     obstacle
     * @throws IllegalArgumentException if the shape of an input is not known
     */
    public ConvertedNetwork convert() {
      NetworkConversion.Choices choices =
          new NetworkConversion.Choices(scale, statistics, iteration, lenient);
      List<Obstacle> obstacles = new ArrayList<>(NetworkConversion.check(net, TABLES, choices));
      if (!obstacles.isEmpty()) {
        throw new UnconvertibleNetworkException(obstacles);
      }
      BatchShape shapes =
          shape == null ? BatchShape.of(InputShapes.of(net), InputShapes.outputs(net)) : shape;
      NetworkConversion.Result result =
          NetworkConversion.convert(net, TABLES, shapes, choices, obstacles);
      if (result == null) {
        throw new UnconvertibleNetworkException(obstacles);
      }
      return new ConvertedNetwork(result);
    }
  }
}
