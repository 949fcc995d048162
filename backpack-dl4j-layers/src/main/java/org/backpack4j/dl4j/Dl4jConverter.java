package org.backpack4j.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConverterRegistry;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.spi.ConverterProvider;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.jspecify.annotations.Nullable;
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
    return NetworkConverter.obstacles(net, NetworkConverter.converters());
  }

  /** Choices for a conversion. Each call changes and answers the builder. */
  public static final class Builder {
    private final Model net;
    private Scale scale = Scale.SUM;
    private BatchStatistics statistics = BatchStatistics.BATCH;
    private final List<ConverterProvider> converters = new ArrayList<>();
    private @Nullable BatchShape shape;

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
     * Tells the shapes of the inputs as DL4J's configurations do.
     *
     * @param inputs for each input its type; that of a time series has a length
     * @return this builder
     * @throws IllegalArgumentException if a time series has no length
     */
    public Builder inputTypes(InputType... inputs) {
      return inputShapes(Arrays.stream(inputs).map(InputShapes::of).toArray(long[][]::new));
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
      shape = BatchShape.of(batch, InputShapes.outputs(net));
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
     * Registers converters of a person's own.
     *
     * @param providers register them
     * @return this builder
     */
    public Builder converters(ConverterProvider... providers) {
      converters.addAll(Arrays.asList(providers));
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
      ConverterRegistry registry = NetworkConverter.converters(converters);
      if (shape == null) {
        // what cannot be converted at all is told before shapes are asked for
        List<Obstacle> obstacles = NetworkConverter.obstacles(net, registry);
        if (!obstacles.isEmpty()) {
          throw new UnconvertibleNetworkException(obstacles);
        }
      }
      BatchShape shapes =
          shape == null ? BatchShape.of(InputShapes.of(net), InputShapes.outputs(net)) : shape;
      return new ConvertedNetwork(
          NetworkConverter.convert(
              net,
              shapes,
              new NetworkConversion.Choices(scale, statistics, false, false, registry)));
    }
  }
}
