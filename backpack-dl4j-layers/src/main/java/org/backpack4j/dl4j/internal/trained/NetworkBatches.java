package org.backpack4j.dl4j.internal.trained;

import java.util.Map;
import java.util.function.Function;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A network's graphs: it is converted and extended once for each kind of batch, which is the shape
 * of a sample, and which masks there are.
 */
public final class NetworkBatches implements OpenGraphs {
  /** As many kinds of batches are kept. */
  private static final int KINDS = 8;

  private final Model net;
  private final NetworkConversion.Choices choices;
  private final Function<ConvertedGraph, ExtendedGraph> extending;
  private final Recent<BatchShape, Made> made = new Recent<>(KINDS, m -> m.graph().close());

  private record Made(ConvertedGraph network, ExtendedGraph graph) {}

  /**
   * Of a network.
   *
   * @param extending extends what the network was converted to
   */
  public NetworkBatches(
      Model net,
      NetworkConversion.Choices choices,
      Function<ConvertedGraph, ExtendedGraph> extending) {
    this.net = net;
    this.choices = choices;
    this.extending = extending;
  }

  @Override
  public GraphBatch of(MultiDataSet batch) {
    Made here = made.get(BatchShape.of(batch, InputShapes.outputs(net)), this::make);
    return new GraphBatch(here.graph(), here.network().feeds(batch));
  }

  private Made make(BatchShape shape) {
    ConvertedGraph network = NetworkConverter.convert(net, shape, choices);
    return new Made(network, extending.apply(network));
  }

  @Override
  public GraphBatch of(Map<String, INDArray> feeds) {
    throw new IllegalArgumentException(
        "A network's batches are data sets: gather over a DataSetIterator or a"
            + " MultiDataSetIterator.");
  }

  @Override
  public Map<String, String> identity() {
    return Map.of("parameters", new Contents().add(net.params()).text());
  }

  @Override
  public void close() {
    made.close();
  }
}
