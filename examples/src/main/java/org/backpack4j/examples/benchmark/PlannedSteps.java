package org.backpack4j.examples.benchmark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.blocks.ResNet;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * The time of a planned training step beside that of {@code net.fit}, updater included, and what
 * quantities of the same pass add to it. All kinds of steps take turns.
 */
public final class PlannedSteps {
  private static final int LETTERS = 64;

  private PlannedSteps() {}

  /** A training, and how long its steps took. */
  private record Timed(Runnable training, double[] milliseconds) {
    void step(int round) {
      long start = System.nanoTime();
      training.run();
      if (round >= 0) {
        milliseconds[round] = (System.nanoTime() - start) / 1e6;
      }
    }

    double median() {
      double[] sorted = milliseconds.clone();
      Arrays.sort(sorted);
      return sorted[sorted.length / 2];
    }
  }

  /**
   * Measures, and prints a table in Markdown.
   *
   * @param args names of networks, {@code lenet}, {@code resnet18} or {@code lstm}; all without.
   *     {@code rounds=50} says how many steps of each kind are timed
   */
  public static void main(String[] args) {
    int rounds = 30;
    List<String> chosen = new ArrayList<>();
    for (String arg : args) {
      if (arg.startsWith("rounds=")) {
        rounds = Integer.parseInt(arg.substring("rounds=".length()));
      } else {
        chosen.add(arg);
      }
    }
    System.out.println(
        "| network:batch | net.fit, ms | planned, ms | planned / net.fit | batch_l2 / planned"
            + " | variance / planned |");
    System.out.println("| --- | --- | --- | --- | --- | --- |");
    if (chosen.isEmpty() || chosen.contains("lenet")) {
      measure("LeNet:32", PlannedSteps::leNet, images(32, 1, 28), rounds);
    }
    if (chosen.isEmpty() || chosen.contains("resnet18")) {
      measure("ResNet-18 (32×32):8", PlannedSteps::resNet, images(8, 3, 32), rounds);
    }
    if (chosen.isEmpty() || chosen.contains("lstm")) {
      measure("LSTM text (2 layers, 50 steps):32", PlannedSteps::text, letters(32, 50), rounds);
    }
  }

  private static void measure(
      String name, Supplier<ComputationGraph> network, DataSet batch, int rounds) {
    List<AutoCloseable> open = new ArrayList<>();
    ComputationGraph plain = network.get();
    Timed fit = new Timed(() -> plain.fit(batch), new double[rounds]);
    Timed step = planned(network.get(), batch, rounds, open);
    Timed norms = planned(network.get(), batch, rounds, open, new BatchL2Grad());
    Timed variance = planned(network.get(), batch, rounds, open, new Variance());
    List<Timed> order = new ArrayList<>(List.of(fit, step, norms, variance));
    for (int k = -(rounds / 2 + 5); k < rounds; k++) {
      for (Timed training : order) {
        training.step(k);
      }
      order.add(order.remove(0)); // whoever is behind the slowest is another each time
    }
    System.out.printf(
        "| %s | %.1f | %.1f | %.2f | %.2f | %.2f |%n",
        name,
        fit.median(),
        step.median(),
        step.median() / fit.median(),
        norms.median() / step.median(),
        variance.median() / step.median());
    for (AutoCloseable each : open) {
      try {
        each.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static Timed planned(
      ComputationGraph net,
      DataSet batch,
      int rounds,
      List<AutoCloseable> open,
      Extension... extensions) {
    PlannedTraining training = PlannedTraining.of(net);
    open.add(training);
    if (extensions.length == 0) {
      return new Timed(() -> training.fit(batch), new double[rounds]);
    }
    BackPackListener listener = new BackPackListener(extensions);
    net.setListeners(listener);
    open.add(listener);
    return new Timed(
        () -> {
          training.fit(batch);
          listener.latest(net); // throws if something went wrong
        },
        new double[rounds]);
  }

  private static DataSet images(int samples, int channels, int size) {
    INDArray labels = Nd4j.zeros(samples, 10);
    for (int n = 0; n < samples; n++) {
      labels.putScalar(n, n % 10, 1);
    }
    return new DataSet(Nd4j.rand(samples, channels, size, size), labels);
  }

  private static DataSet letters(int samples, int steps) {
    Random random = new Random(1);
    INDArray features = Nd4j.zeros(samples, LETTERS, steps);
    INDArray labels = Nd4j.zeros(samples, LETTERS, steps);
    for (int n = 0; n < samples; n++) {
      int letter = random.nextInt(LETTERS);
      for (int t = 0; t < steps; t++) {
        features.putScalar(n, letter, t, 1);
        letter = random.nextInt(LETTERS);
        labels.putScalar(n, letter, t, 1);
      }
    }
    return new DataSet(features, labels);
  }

  private static ComputationGraph resNet() {
    return ResNet.builder()
        .stem(ResNet.Stem.CIFAR)
        .inputShape(3, 32, 32)
        .numClasses(10)
        .updater(new Adam(1e-4))
        .build()
        .init();
  }

  /** Two convolutions and poolings, a dense layer, as in DL4J's zoo. */
  private static ComputationGraph leNet() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .updater(new Adam(1e-4))
                .activation(Activation.RELU)
                .list()
                .layer(new ConvolutionLayer.Builder(5, 5).nOut(20).build())
                .layer(pooling())
                .layer(new ConvolutionLayer.Builder(5, 5).nOut(50).build())
                .layer(pooling())
                .layer(new DenseLayer.Builder().nOut(500).build())
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(10)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutional(28, 28, 1))
                .build());
    net.init();
    return net.toComputationGraph();
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
        .kernelSize(2, 2)
        .stride(2, 2)
        .build();
  }

  /** Two layers of 200 units that tell the next letter. */
  private static ComputationGraph text() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .updater(new Adam(1e-4))
                .activation(Activation.TANH)
                .list()
                .layer(new LSTM.Builder().nOut(200).build())
                .layer(new LSTM.Builder().nOut(200).build())
                .layer(
                    new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(LETTERS)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.recurrent(LETTERS))
                .build());
    net.init();
    return net.toComputationGraph();
  }
}
