package org.backpack4j.dl4j.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.UnconvertibleNetworkException;
import org.backpack4j.dl4j.internal.activation.Activations;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConversionResult;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.ConverterRegistry;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.internal.convert.RepeatedDraws;
import org.backpack4j.dl4j.internal.dropout.Dropouts;
import org.backpack4j.dl4j.internal.layer.Layers;
import org.backpack4j.dl4j.internal.loss.LossConverters;
import org.backpack4j.dl4j.internal.preprocessor.Preprocessors;
import org.backpack4j.dl4j.internal.vertex.Vertices;
import org.backpack4j.dl4j.spi.ConverterProvider;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Converts networks by the tables of all that can be converted. */
public final class NetworkConverter {
  private static final ConverterRegistry OWN =
      new ConverterRegistry(
          Layers.table(),
          Vertices.table(),
          Preprocessors.table(),
          Activations.table(),
          LossConverters.table(),
          Dropouts.table(),
          Map.of());

  private NetworkConverter() {}

  /** With those that a {@link ServiceLoader} finds, which is asked once. */
  private static final class Found {
    static final ConverterRegistry CONVERTERS =
        OWN.with(ServiceLoader.load(ConverterProvider.class));

    private Found() {}
  }

  /** Who converts what: the library's converters, and those that a {@link ServiceLoader} finds. */
  public static ConverterRegistry converters() {
    return Found.CONVERTERS;
  }

  /** The same with those that a call is given. */
  public static ConverterRegistry converters(List<ConverterProvider> given) {
    return given.isEmpty() ? converters() : converters().with(given);
  }

  /** What stands in the way of a conversion by itself, as far as the configuration tells it. */
  public static List<Obstacle> obstacles(Model net, ConverterRegistry converters) {
    return NetworkConversion.check(
        net,
        new NetworkConversion.Choices(Scale.SUM, BatchStatistics.BATCH, false, false, converters));
  }

  /** The same where what belongs to an iteration can be had. */
  public static List<Obstacle> obstacles(Model net, boolean lenient, ConverterRegistry converters) {
    return NetworkConversion.check(
        net,
        new NetworkConversion.Choices(Scale.SUM, BatchStatistics.BATCH, true, lenient, converters));
  }

  /**
   * Whether a network draws random numbers in training, for dropout or noise.
   *
   * @param net the network
   * @param converters who converts what
   * @return whether something of it does
   */
  public static boolean draws(Model net, ConverterRegistry converters) {
    return IterationState.areDrawn(net, converters);
  }

  /** What belongs to the iteration alone whose forward pass a network has just made. */
  public static IterationState given(
      Model net,
      ConverterRegistry converters,
      Map<String, INDArray> activations,
      Set<String> needed) {
    return IterationState.afterForwardPass(net, converters, activations, needed);
  }

  /** The same with what there is only now that the network has made its backward pass. */
  public static IterationState given(
      Model net, ConverterRegistry converters, IterationState before) {
    return before.andAfterBackwardPass(net, converters);
  }

  /** Begins to watch what a network draws in its next pass. */
  public static RepeatedDraws.Watch watch() {
    return new RepeatedDraws.Watch(converters());
  }

  /**
   * Converts a network for batches of a shape.
   *
   * @throws UnconvertibleNetworkException if something in it cannot be converted; it lists every
   *     obstacle
   */
  public static ConvertedGraph convert(
      Model net, BatchShape shape, NetworkConversion.Choices choices) {
    List<Obstacle> obstacles = new ArrayList<>(NetworkConversion.check(net, choices));
    ConversionResult result =
        obstacles.isEmpty() ? NetworkConversion.convert(net, shape, choices, obstacles) : null;
    if (result == null) {
      throw new UnconvertibleNetworkException(obstacles);
    }
    return new ConvertedGraph(result);
  }
}
