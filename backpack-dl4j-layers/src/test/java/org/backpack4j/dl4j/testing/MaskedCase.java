package org.backpack4j.dl4j.testing;

import java.util.Arrays;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * A network and a batch with masks of its features, for the tests of what layers and vertices make
 * of them. Of four samples the second is masked, or they have masks of different lengths.
 *
 * @param name what is tested
 * @param net the network
 * @param batch the batch
 */
public record MaskedCase(String name, Supplier<Model> net, MultiDataSet batch) {
  public static final int N = 4;
  public static final int F = 3;
  public static final int T = 5;
  public static final int C = 3;

  // ---- networks ----

  /** Layers on rows [N, 3]. */
  public static MaskedCase rows(String name, Layer... layers) {
    return new MaskedCase(
        name,
        () -> Nets.sequential(InputType.feedForward(F), layers),
        batch(Nets.random(N, F), Nets.classes(N, C), rows()));
  }

  /** Layers on series [N, 3, 5], with a label for each sample. */
  public static MaskedCase series(String name, Layer... layers) {
    return new MaskedCase(
        name,
        () -> Nets.sequential(InputType.recurrent(F, T), layers),
        batch(Nets.random(N, F, T), Nets.classes(N, C), steps(T)));
  }

  /** Layers on series [N, 3, 5], with a label for each step. */
  public static MaskedCase steps(String name, Layer... layers) {
    return new MaskedCase(
        name,
        () -> Nets.sequential(InputType.recurrent(F, T), layers),
        batch(Nets.random(N, F, T), stepLabels(), steps(T)));
  }

  /** Layers on images [N, 2, 6, 5]. */
  public static MaskedCase images(String name, INDArray mask, Layer... layers) {
    return new MaskedCase(
        name + " " + Arrays.toString(mask.shape()),
        () -> Nets.sequential(InputType.convolutional(6, 5, 2), layers),
        batch(Nets.random(N, 2, 6, 5), Nets.classes(N, C), mask));
  }

  /** A graph with one input "in". */
  public static MaskedCase graph(
      String name, INDArray x, INDArray y, INDArray mask, UnaryOperator<GraphBuilder> vertices) {
    return new MaskedCase(name, () -> Nets.graph(vertices.apply(begun("in"))), batch(x, y, mask));
  }

  /** A graph with inputs "in" and "other", with a label for each sample. */
  public static MaskedCase graph(
      String name, INDArray[] x, INDArray[] masks, UnaryOperator<GraphBuilder> vertices) {
    return new MaskedCase(
        name,
        () -> Nets.graph(vertices.apply(begun("in", "other"))),
        new MultiDataSet(x, new INDArray[] {Nets.classes(N, C)}, masks, null));
  }

  private static GraphBuilder begun(String... inputs) {
    return Nets.builder().graphBuilder().addInputs(inputs).validateOutputLayerConfig(false);
  }

  public static MultiDataSet batch(INDArray x, INDArray y, INDArray mask) {
    return new MultiDataSet(new INDArray[] {x}, new INDArray[] {y}, new INDArray[] {mask}, null);
  }

  // ---- layers ----

  public static OutputLayer.Builder output() {
    return new OutputLayer.Builder(LossFunction.MCXENT).nOut(C).activation(Activation.SOFTMAX);
  }

  public static OutputLayer output(int inputs) {
    return output().nIn(inputs).build();
  }

  public static RnnOutputLayer softmax() {
    return new RnnOutputLayer.Builder(LossFunction.MCXENT)
        .nIn(3)
        .nOut(C)
        .activation(Activation.SOFTMAX)
        .build();
  }

  public static DenseLayer dense() {
    return new DenseLayer.Builder().nIn(F).nOut(3).build();
  }

  public static SimpleRnn simple() {
    return new SimpleRnn.Builder().nIn(F).nOut(3).build();
  }

  public static GlobalPoolingLayer pool(PoolingType type) {
    return new GlobalPoolingLayer(type);
  }

  // ---- masks and labels ----

  /** [N, 1]: without the second sample. */
  public static INDArray rows() {
    return Nd4j.createFromArray(new double[][] {{1}, {0}, {1}, {1}});
  }

  /** [N, T]: series of different lengths. */
  public static INDArray steps(int length) {
    INDArray mask = Nd4j.ones(DataType.DOUBLE, N, length);
    mask.putScalar(1, length - 1, 0);
    mask.putScalar(2, length - 1, 0);
    mask.putScalar(2, length - 2, 0);
    mask.putScalar(3, 0, 0);
    return mask;
  }

  /** [N, 1, height, width]: some places of two images; or without the second image. */
  public static INDArray places(int channels, int height, int width) {
    INDArray mask = Nd4j.ones(DataType.DOUBLE, N, channels, height, width);
    int each = channels * height * width;
    if (each == 1) {
      mask.putScalar(1, 0);
    }
    for (int k = 0; each > 1 && k < each; k++) {
      mask.putScalar(each + k, k % 3 == 1 ? 0 : 1);
      mask.putScalar(2 * each + k, k % (height * width) >= height * width / 2 ? 0 : 1);
    }
    return mask;
  }

  public static INDArray stepLabels() {
    INDArray y = Nd4j.zeros(DataType.DOUBLE, N, C, T);
    for (int k = 0; k < N * T; k++) {
      y.putScalar(k / T, (k * k) % C, k % T, 1);
    }
    return y;
  }

  // ---- runs ----

  /** Converts and compares; M2.1 makes some arrays of the default type. */
  public void check(UnaryOperator<Converted> choices) {
    Nets.inDoublePrecision(() -> choices.apply(Converted.of(net.get(), batch)).check());
  }

  /** What DL4J makes of a step with the batch. */
  public static void fit(Model net, MultiDataSet batch) {
    if (net instanceof ComputationGraph graph) {
      graph.fit(batch);
    } else if (net instanceof MultiLayerNetwork network) {
      network.fit(
          new DataSet(
              batch.getFeatures(0), batch.getLabels(0), batch.getFeaturesMaskArray(0), null));
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
