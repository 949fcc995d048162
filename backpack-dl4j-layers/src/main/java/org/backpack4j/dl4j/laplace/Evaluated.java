package org.backpack4j.dl4j.laplace;

import java.util.Arrays;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** A network without what it does in training alone: dropout, noise on inputs and weights. */
final class Evaluated {
  private Evaluated() {}

  /**
   * A network as it is in evaluation, batch normalisation aside.
   *
   * @param net a network
   * @return a network of the same parameters' arrays without dropout and weight noise
   */
  static Model of(Model net) {
    if (net instanceof ComputationGraph graph) {
      ComputationGraphConfiguration conf = graph.getConfiguration().clone();
      conf.getVertices().values().stream()
          .filter(LayerVertex.class::isInstance)
          .flatMap(v -> layers(((LayerVertex) v).getLayerConf().getLayer()))
          .forEach(Evaluated::quiet);
      ComputationGraph made = new ComputationGraph(conf);
      made.init(graph.params(), false);
      return made;
    }
    MultiLayerNetwork network = (MultiLayerNetwork) net;
    MultiLayerConfiguration conf = network.getLayerWiseConfigurations().clone();
    conf.getConfs().stream().flatMap(c -> layers(c.getLayer())).forEach(Evaluated::quiet);
    MultiLayerNetwork made = new MultiLayerNetwork(conf);
    made.init(network.params(), false);
    return made;
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
    return Stream.concat(Stream.of(layer), Arrays.stream(inner).flatMap(Evaluated::layers));
  }

  private static void quiet(Layer layer) {
    layer.setIDropout(null);
    if (layer instanceof BaseLayer base) {
      base.setWeightNoise(null);
    }
  }
}
