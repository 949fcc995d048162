package org.backpack4j.examples.programs;

import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A network of DL4J and a batch.
 *
 * @param net a MultiLayerNetwork or a ComputationGraph, with its parameters
 * @param fit one training step on the batch
 */
record NetworkWorkload(Model net, Runnable fit) implements Workload {

  /** A ComputationGraph, and what it is fitted to. */
  static NetworkWorkload of(ComputationGraph net, MultiDataSet batch) {
    return new NetworkWorkload(net, () -> net.fit(batch));
  }

  /** A MultiLayerNetwork, and what it is fitted to. */
  static NetworkWorkload of(MultiLayerNetwork net, org.nd4j.linalg.dataset.DataSet batch) {
    return new NetworkWorkload(net, () -> net.fit(batch));
  }

  @Override
  public void plainStep() {
    fit.run();
  }

  @Override
  public long parameters() {
    return net.numParams();
  }

  @Override
  public Watched watch(Extension... quantities) {
    BackPackListener listener = new BackPackListener(quantities).runningStatistics();
    return Watched.of(listener, () -> listen(listener), fit, this::listen);
  }

  private void listen(TrainingListener... listeners) {
    if (net instanceof ComputationGraph graph) {
      graph.setListeners(listeners);
    } else {
      ((MultiLayerNetwork) net).setListeners(listeners);
    }
  }
}
