package org.backpack4j.dl4j.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.UnconvertibleNetworkException;
import org.backpack4j.dl4j.internal.activation.Activations;
import org.backpack4j.dl4j.internal.convert.BatchShape;
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
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Converts networks by the tables of all that can be converted. */
public final class NetworkConverter {
  private static final ConverterRegistry TABLES =
      new ConverterRegistry(
          Layers.table(),
          Vertices.table(),
          Preprocessors.table(),
          Activations.table(),
          LossConverters.table(),
          Dropouts.table());

  private NetworkConverter() {}

  /** What stands in the way of a conversion by itself, as far as the configuration tells it. */
  public static List<Obstacle> obstacles(Model net) {
    return obstacles(
        net, new NetworkConversion.Choices(Scale.SUM, BatchStatistics.BATCH, false, false));
  }

  /** The same where what belongs to an iteration can be had. */
  public static List<Obstacle> obstacles(Model net, boolean lenient) {
    return obstacles(
        net, new NetworkConversion.Choices(Scale.SUM, BatchStatistics.BATCH, true, lenient));
  }

  private static List<Obstacle> obstacles(Model net, NetworkConversion.Choices choices) {
    return NetworkConversion.check(net, TABLES, choices);
  }

  /** What belongs to the iteration alone whose forward pass a network has just made. */
  public static IterationState given(
      Model net, Map<String, INDArray> activations, Set<String> needed) {
    return IterationState.afterForwardPass(net, TABLES, activations, needed);
  }

  /** The same with what there is only now that the network has made its backward pass. */
  public static IterationState given(Model net, IterationState before) {
    return before.andAfterBackwardPass(net, TABLES);
  }

  /** Begins to watch what a network draws in its next pass. */
  public static RepeatedDraws.Watch watch() {
    return new RepeatedDraws.Watch(TABLES);
  }

  /**
   * Converts a network for batches of a shape.
   *
   * @throws UnconvertibleNetworkException if something in it cannot be converted; it lists every
   *     obstacle
   */
  public static ConvertedGraph convert(
      Model net, BatchShape shape, NetworkConversion.Choices choices) {
    List<Obstacle> obstacles = new ArrayList<>(obstacles(net, choices));
    NetworkConversion.Result result =
        obstacles.isEmpty()
            ? NetworkConversion.convert(net, TABLES, shape, choices, obstacles)
            : null;
    if (result == null) {
      throw new UnconvertibleNetworkException(obstacles);
    }
    return new ConvertedGraph(result);
  }
}
