package org.backpack4j.dl4j.internal.trained;

import java.util.Arrays;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * A network without what it does in training alone: dropout, noise on inputs and weights. Batch
 * normalisation is the conversion's to choose. Random slopes (RReLU) stay, and are refused: what
 * M2.1 makes of them in evaluation is another function.
 */
public final class EvaluationMode {
  private EvaluationMode() {}

  /**
   * A network as it is in evaluation.
   *
   * @param net a ComputationGraph or a MultiLayerNetwork, initialised
   * @return another network with the same arrays of parameters
   */
  public static Model of(Model net) {
    if (net instanceof ComputationGraph graph) {
      ComputationGraphConfiguration conf = graph.getConfiguration().clone();
      conf.getVertices().values().stream()
          .flatMap(EvaluationMode::layers)
          .forEach(EvaluationMode::quiet);
      ComputationGraph made = new ComputationGraph(conf);
      made.init(graph.params(), false);
      return made;
    }
    MultiLayerNetwork network = (MultiLayerNetwork) net;
    MultiLayerConfiguration conf = network.getLayerWiseConfigurations().clone();
    conf.getConfs().stream().flatMap(c -> layers(c.getLayer())).forEach(EvaluationMode::quiet);
    MultiLayerNetwork made = new MultiLayerNetwork(conf);
    made.init(network.params(), false);
    return made;
  }

  private static Stream<Layer> layers(GraphVertex vertex) {
    if (vertex instanceof FrozenVertex frozen) {
      return layers(frozen.getUnderlying());
    }
    return vertex instanceof LayerVertex layer
        ? layers(layer.getLayerConf().getLayer())
        : Stream.empty();
  }

  /** A layer and those that it wraps. */
  private static Stream<Layer> layers(Layer layer) {
    Layer[] inner = {};
    if (layer instanceof FrozenLayer frozen) {
      inner = new Layer[] {frozen.getLayer()};
    } else if (layer instanceof FrozenLayerWithBackprop frozen) {
      inner = new Layer[] {frozen.getUnderlying()};
    } else if (layer instanceof Bidirectional both) {
      inner = new Layer[] {both.getFwd(), both.getBwd()};
    } else if (layer instanceof BaseWrapperLayer wrapper) {
      inner = new Layer[] {wrapper.getUnderlying()};
    }
    return Stream.concat(Stream.of(layer), Arrays.stream(inner).flatMap(EvaluationMode::layers));
  }

  private static void quiet(Layer layer) {
    layer.setIDropout(null);
    if (layer instanceof BaseLayer base) {
      base.setWeightNoise(null);
    }
  }
}
