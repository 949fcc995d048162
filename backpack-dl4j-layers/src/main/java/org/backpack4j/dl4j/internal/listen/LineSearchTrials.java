package org.backpack4j.dl4j.internal.listen;

import java.lang.ref.WeakReference;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Tells an iteration's gradient from the trials of an optimiser with a line search.
 *
 * <p>Conjugate gradients, LBFGS and gradient descent along a line try steps of several lengths, and
 * make a forward and a backward pass for each, and one more when the step is made. The first pass
 * of an iteration is that at the parameters before it.
 */
final class LineSearchTrials {
  private boolean underWay;
  private int iteration;
  private WeakReference<@Nullable INDArray> features = new WeakReference<>(null);

  /** Whether a pass is a trial of an iteration whose gradient has been heard. */
  boolean isTrial(Model net, int number) {
    return underWay && iteration == number && features.get() == features(net);
  }

  /** The gradient of an iteration has been heard. */
  void begin(Model net, int number) {
    underWay =
        net.conf().getOptimizationAlgo() != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT;
    iteration = number;
    features = new WeakReference<>(features(net));
  }

  /** The iteration is done. */
  void end() {
    underWay = false;
  }

  /** The batch: who calls for a gradient between two iterations has another one, as a rule. */
  private static @Nullable INDArray features(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getInput(0)
        : ((MultiLayerNetwork) net).getInput();
  }
}
