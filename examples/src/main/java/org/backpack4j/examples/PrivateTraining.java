package org.backpack4j.examples;

import java.util.Locale;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.dl4j.train.PrivacyEngine;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.examples.data.LabelledImages;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Trains a small convolutional network on Fashion-MNIST, as usual and with differential privacy at
 * ε = 3, δ = 1e-5, and tells accuracy, ε and the time of a step.
 *
 * <p>Where Debian's package {@code dataset-fashion-mnist} is installed, all 60,000 images are
 * trained with; else the 256 that come with the examples, too few for privacy and accuracy at once.
 */
public final class PrivateTraining {
  private static final double EPSILON = 3;
  private static final double DELTA = 1e-5;

  private PrivateTraining() {}

  /**
   * Runs both trainings.
   *
   * @param args the number of epochs, 5 by default, and of training images, all by default
   */
  public static void main(String[] args) {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 5;
    boolean whole = FashionMnist.isInstalled();
    int count = args.length > 1 ? Integer.parseInt(args[1]) : whole ? 60_000 : FashionMnist.COUNT;
    DataSet training = data(whole ? FashionMnist.training(count) : FashionMnist.load(count));
    DataSet test = whole ? data(FashionMnist.test(10_000)) : training;
    int batch = Math.max(1, count / 100);
    System.out.printf(
        "%d images, batches of %d, %d epochs, accuracy on %s%n",
        count, batch, epochs, whole ? "10,000 test images" : "the same images");
    plain(training, test, batch, epochs);
    withPrivacy(training, test, batch, epochs);
  }

  private static void plain(DataSet training, DataSet test, int batch, int epochs) {
    MultiLayerNetwork net = network();
    DataSetIterator batches = new ListDataSetIterator<>(training.asList(), batch);
    try (PlannedTraining planned = PlannedTraining.of(net)) {
      planned.fit(batches, 1);
      Clock clock = new Clock();
      planned.fit(batches, epochs - 1);
      report("without privacy", net, test, clock.perStep(net, 100));
    }
  }

  private static void withPrivacy(DataSet training, DataSet test, int batch, int epochs) {
    MultiLayerNetwork net = network();
    try (PrivacyEngine engine =
            PrivacyEngine.on(net)
                .epsilon(EPSILON)
                .delta(DELTA)
                .epochs(epochs)
                .batchSize(batch)
                .clip(1)
                .build(training);
        PlannedTraining planned = PlannedTraining.of(net)) {
      net.setListeners(engine.listener());
      planned.fit(engine.iterator(), 1);
      Clock clock = new Clock();
      planned.fit(engine.iterator(), epochs - 1);
      report(
          String.format(
              Locale.ROOT,
              "ε = %.2f at δ = %s, noise multiplier %.2f",
              engine.epsilon(),
              DELTA,
              engine.noiseMultiplier()),
          net,
          test,
          clock.perStep(net, engine.stepsPerEpoch()));
    }
  }

  /** The time since it was made, which is when an epoch was over. */
  private static final class Clock {
    private final long start = System.nanoTime();

    double perStep(MultiLayerNetwork net, int before) {
      int steps = net.getIterationCount() - before;
      return (System.nanoTime() - start) / 1e6 / Math.max(1, steps);
    }
  }

  private static void report(String what, MultiLayerNetwork net, DataSet test, double perStep) {
    double accuracy = net.evaluate(new ListDataSetIterator<>(test.asList(), 500)).accuracy();
    System.out.printf(
        Locale.ROOT, "%-48s accuracy %.1f %%, %.0f ms a step%n", what, 100 * accuracy, perStep);
  }

  private static DataSet data(LabelledImages images) {
    return new DataSet(images.images(), images.labels());
  }

  private static MultiLayerNetwork network() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Adam(2e-3))
                .activation(Activation.TANH) // bounded activations lose less to clipping
                .list()
                .layer(
                    new ConvolutionLayer.Builder(8, 8).nOut(16).stride(2, 2).padding(2, 2).build())
                .layer(pooling())
                .layer(new ConvolutionLayer.Builder(4, 4).nOut(32).stride(2, 2).build())
                .layer(pooling())
                .layer(new DenseLayer.Builder().nOut(32).build())
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(LabelledImages.CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutional(LabelledImages.SIZE, LabelledImages.SIZE, 1))
                .build());
    net.init();
    return net;
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
        .kernelSize(2, 2)
        .stride(1, 1)
        .build();
  }
}
