package org.backpack4j.dl4j.internal.report;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU6;

/** Tells layers behind which a ReLU stands, which can die. */
final class Rectified {
  private Rectified() {}

  static boolean isBehind(Model net, String layer) {
    Layer found = null;
    if (net instanceof ComputationGraph graph) {
      found = graph.getLayer(layer);
    } else if (net instanceof MultiLayerNetwork network) {
      found = network.getLayer(Integer.parseInt(layer));
    }
    return found != null
        && found.conf().getLayer() instanceof BaseLayer conf
        && (conf.getActivationFn() instanceof ActivationReLU
            || conf.getActivationFn() instanceof ActivationReLU6);
  }
}
