package org.backpack4j.dl4j.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Forward and backward passes of a network that draws random numbers, as often as wanted with the
 * same ones, and what a listener should see in them.
 */
public final class Iteration {
  private final Model net;
  private final INDArray x;
  private final INDArray y;
  private final INDArray featureMask;

  public Iteration(Model net, INDArray x, INDArray y) {
    this(net, x, y, null);
  }

  public Iteration(Model net, INDArray x, INDArray y, INDArray featureMask) {
    this.net = net;
    this.x = x;
    this.y = y;
    this.featureMask = featureMask;
  }

  /**
   * What a listener tells of an iteration, in both kinds of networks: gradients and rows are
   * DL4J's, which are as without it, and all quantities those of brute force.
   */
  public static void check(MultiLayerNetwork network, INDArray x, INDArray y) {
    for (Model net : new Model[] {network, network.toComputationGraph()}) {
      Iteration iteration = new Iteration(net, x, y);
      Map<String, INDArray> plain = iteration.gradient(null);
      try (BackPackListener listener =
          new BackPackListener(new BatchGrad(), new DiagGGNExact()).verify(1, 2)) {
        Map<String, INDArray> gradient = iteration.watched(listener);
        assertThat(gradient).isEqualTo(plain);
        listener.outputs().keySet().stream()
            .filter(name -> name.endsWith(".grad"))
            .map(name -> name.substring(0, name.lastIndexOf('.')))
            .forEach(parameter -> iteration.compare(parameter, listener, gradient));
        assertThat(listener.outputs()).containsKey(lastWeights(gradient) + ".diag_ggn_exact");
      }
    }
  }

  private static String lastWeights(Map<String, INDArray> gradient) {
    return gradient.keySet().stream()
        .filter(p -> p.endsWith("_W"))
        .reduce((a, b) -> b)
        .orElseThrow();
  }

  /** DL4J's gradient, with a mask of the labels or without. */
  public Map<String, INDArray> gradient(INDArray mask) {
    Nd4j.getRandom().setSeed(11);
    INDArray[] masks = mask == null ? null : new INDArray[] {mask};
    if (net instanceof ComputationGraph graph) {
      graph.setInputs(x);
      graph.setLabels(y);
      graph.setLayerMaskArrays(featureMask == null ? null : new INDArray[] {featureMask}, masks);
      graph.computeGradientAndScore();
      graph.clearLayerMaskArrays();
    } else {
      MultiLayerNetwork network = (MultiLayerNetwork) net;
      network.setInput(x);
      network.setLabels(y);
      network.setLayerMaskArrays(featureMask, mask);
      network.computeGradientAndScore();
      network.clearLayerMaskArrays();
    }
    Map<String, INDArray> gradient = new LinkedHashMap<>();
    net.gradient().gradientForVariable().forEach((k, v) -> gradient.put(k, v.dup()));
    return gradient;
  }

  /** Lets a listener see an iteration, and tells DL4J's gradient in it. */
  public Map<String, INDArray> watched(BackPackListener listener) {
    listen(net, listener);
    Map<String, INDArray> gradient = gradient(null);
    listen(net);
    return gradient;
  }

  private static void listen(Model net, TrainingListener... listeners) {
    if (net instanceof ComputationGraph graph) {
      graph.setListeners(listeners);
    } else {
      ((MultiLayerNetwork) net).setListeners(listeners);
    }
  }

  /**
   * Compares a parameter's gradient and its rows with DL4J's: the row of a sample is the gradient
   * where all other samples are masked.
   */
  public void compare(String parameter, BackPackListener listener, Map<String, INDArray> gradient) {
    INDArray own = listener.outputs().get(parameter + ".grad");
    assertThat(own).as("gradient of " + parameter).isNotNull();
    near("gradient of " + parameter, gradient.get(parameter), own);
    INDArray rows = listener.outputs().get(parameter + ".grad_batch");
    near("sum of the rows of " + parameter, own, rows.sum(0));
    for (int n = 0; n < x.size(0); n++) {
      INDArray alone = gradient(mask(n)).get(parameter);
      near("row " + n + " of " + parameter, alone, rows.slice(n));
    }
  }

  private INDArray mask(int sample) {
    long steps = y.rank() < 3 ? 1 : y.size(2) == x.size(2) ? y.size(2) : y.size(1);
    INDArray mask = Nd4j.zeros(y.dataType(), y.size(0), steps);
    mask.get(new INDArrayIndex[] {NDArrayIndex.interval(sample, sample + 1), NDArrayIndex.all()})
        .assign(1);
    return mask;
  }

  private static void near(String what, INDArray expected, INDArray actual) {
    double size = Math.max(expected.amaxNumber().doubleValue(), 1e-3);
    double off = expected.sub(actual.reshape(expected.shape())).amaxNumber().doubleValue();
    assertThat(off).as(what).isLessThanOrEqualTo(1e-9 * size);
  }
}
