package org.backpack4j.dl4j.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Each finding on a training that is made to fail that way, and silence on one that goes well. */
class AdviceTest {
  private static final int FEATURES = 6;

  private final Random random = new Random(5);

  private static DenseLayer dense(Activation function) {
    return new DenseLayer.Builder()
        .nOut(16)
        .activation(function)
        .weightInit(WeightInit.RELU)
        .biasInit(0)
        .build();
  }

  private static OutputLayer classes() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(2)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static OutputLayer squares() {
    return new OutputLayer.Builder(LossFunction.MSE)
        .nOut(2)
        .activation(Activation.IDENTITY)
        .build();
  }

  private static MultiLayerNetwork net(IUpdater updater, Layer... layers) {
    return Nets.sequential(
        Nets.builder().updater(updater), InputType.feedForward(FEATURES), layers);
  }

  /** Two classes that a plane nearly parts: some labels are wrong. */
  private DataSet separable(int samples) {
    INDArray x = Nd4j.create(DataType.DOUBLE, samples, FEATURES);
    INDArray y = Nd4j.zeros(DataType.DOUBLE, samples, 2);
    for (int n = 0; n < samples; n++) {
      double side = 0;
      for (int f = 0; f < FEATURES; f++) {
        double value = random.nextGaussian();
        x.putScalar(n, f, value);
        side += f % 2 == 0 ? value : -value;
      }
      boolean positive = side + 0.7 * random.nextGaussian() > 0;
      y.putScalar(n, positive ? 1 : 0, 1);
    }
    return new DataSet(x, y);
  }

  private static TrainingReport trained(
      MultiLayerNetwork net, int iterations, IntFunction<DataSet> batches) {
    TrainingReport report = TrainingReport.economy().every(1);
    net.addListeners(report);
    for (int k = 0; k < iterations; k++) {
      net.fit(batches.apply(k));
    }
    report.close();
    assertThat(report.observed()).isEqualTo(iterations);
    return report;
  }

  private static void finds(TrainingReport report, String kind, Consumer<Advice> as) {
    assertThat(report.advice()).filteredOn(a -> a.kind().equals(kind)).isNotEmpty().anySatisfy(as);
    assertThat(report.html()).contains("class=\"advice\"");
  }

  @Test
  void silenceOnATrainingThatGoesWell() {
    MultiLayerNetwork net = net(new Sgd(0.1), dense(Activation.RELU), classes());
    TrainingReport report = trained(net, 40, k -> separable(32));
    assertThat(report.advice()).isEmpty();
    assertThat(report.html()).contains("Nothing that was looked at is out of order.");
  }

  @Test
  void noneBeforeFiveIterations() {
    MultiLayerNetwork net = net(new Sgd(1e4), dense(Activation.RELU), classes());
    assertThat(trained(net, 4, k -> separable(16)).advice()).isEmpty();
  }

  @Test
  void overshooting() {
    DataSet data = separable(64);
    MultiLayerNetwork net = net(new Sgd(1.55), squares());
    finds(
        trained(net, 30, k -> data),
        "overshooting",
        a -> assertThat(a.remedy()).contains("Lower the learning rate"));
  }

  @Test
  void stepsThatAreTooSmall() {
    DataSet data = separable(64);
    MultiLayerNetwork net = net(new Sgd(1e-5), dense(Activation.TANH), classes());
    finds(
        trained(net, 30, k -> data),
        "timid",
        a -> assertThat(a.remedy()).contains("Raise the learning rate"));
  }

  @Test
  void updatesAsLargeAsWeights() {
    MultiLayerNetwork net = net(new Sgd(5), dense(Activation.TANH), classes());
    assertThat(trained(net, 20, k -> separable(16)).advice())
        .anySatisfy(a -> assertThat(a.kind()).isEqualTo("large-updates"));
  }

  @Test
  void deadUnits() {
    MultiLayerNetwork net =
        net(new Sgd(0.05), dense(Activation.RELU), dense(Activation.RELU), classes());
    net.getParam("0_b")
        .get(
            org.nd4j.linalg.indexing.NDArrayIndex.all(),
            org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 12))
        .assign(-50);
    finds(
        trained(net, 20, k -> separable(32)),
        "dead-units",
        a -> assertThat(a.finding() + a.evidence()).contains("layer 0").contains("75 %"));
  }

  @Test
  void aLayerWithoutAGradient() {
    DenseLayer saturated =
        new DenseLayer.Builder().nOut(16).activation(Activation.SIGMOID).biasInit(12).build();
    MultiLayerNetwork net = net(new Sgd(0.05), dense(Activation.TANH), saturated, classes());
    finds(
        trained(net, 20, k -> separable(32)),
        "vanishing",
        a -> assertThat(a.finding()).contains("Layer 0"));
  }

  @Test
  void anExplodingGradient() {
    MultiLayerNetwork net = net(new Sgd(0.01), dense(Activation.TANH), squares());
    finds(
        trained(
            net,
            20,
            k -> {
              DataSet data = separable(32);
              if (k == 19) {
                data.getLabels().muli(1e4);
              }
              return data;
            }),
        "exploding",
        a -> assertThat(a.remedy()).contains("GradientNormalization"));
  }

  @Test
  void numbersThatAreNotFinite() {
    MultiLayerNetwork net = net(new Sgd(0.01), dense(Activation.RELU), classes());
    finds(
        trained(
            net,
            10,
            k -> {
              DataSet data = separable(32);
              if (k == 9) {
                data.getFeatures().putScalar(3, 2, Double.NaN);
              }
              return data;
            }),
        "not-finite",
        a -> assertThat(a.evidence()).contains("iteration 9"));
  }

  /** Labels that do not depend on the features: the gradient is nearly all noise. */
  @Test
  void largerBatchesWouldCostNothing() {
    MultiLayerNetwork net =
        Nets.sequential(
            Nets.builder().updater(new Sgd(1e-3)), InputType.feedForward(60), classes());
    net.getParam("0_W").muli(1e-3);
    net.getParam("0_b").assign(0);
    assertThat(trained(net, 40, k -> coin(8, 60)).advice())
        .anySatisfy(a -> assertThat(a.kind()).isIn("noise-scale", "noise-only"));
  }

  private DataSet coin(int samples, int features) {
    INDArray x = Nd4j.create(DataType.DOUBLE, samples, features);
    INDArray y = Nd4j.zeros(DataType.DOUBLE, samples, 2);
    for (int n = 0; n < samples; n++) {
      for (int f = 0; f < features; f++) {
        x.putScalar(n, f, random.nextGaussian());
      }
      y.putScalar(n, random.nextDouble() < 0.55 ? 1 : 0, 1);
    }
    return new DataSet(x, y);
  }

  @Test
  void smallerBatchesWouldDo() {
    MultiLayerNetwork net = net(new Sgd(1e-3), dense(Activation.TANH), classes());
    finds(
        trained(
            net,
            20,
            k -> {
              DataSet data = separable(64);
              data.getFeatures().muli(0.05).addi(1); // samples that are nearly the same
              data.getLabels().getColumn(0).assign(0);
              data.getLabels().getColumn(1).assign(1);
              return data;
            }),
        "small-noise",
        a -> assertThat(a.finding()).contains("Smaller batches"));
  }

  @Test
  void aSampleThatDominates() {
    MultiLayerNetwork net = net(new Sgd(1e-4), classes());
    finds(
        trained(
            net,
            20,
            k -> {
              DataSet data = separable(32);
              data.getFeatures().getRow(7).muli(100);
              return data;
            }),
        "dominated",
        a -> assertThat(a.evidence()).contains("sample 7"));
  }
}
