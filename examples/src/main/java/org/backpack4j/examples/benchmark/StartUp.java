package org.backpack4j.examples.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.backpack4j.dl4j.ConvertedNetwork;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * How long it takes to extend a graph, to evaluate it for the first time, which plans the
 * evaluation, and to evaluate it again: in a virtual machine that has done nothing yet, and at best
 * later.
 */
public final class StartUp {
  private static final int ROUNDS = 5;
  private static final int LETTERS = 16;
  private static final int SEQUENCES = 4;

  /** A graph to be extended, and what it is fed. */
  private record Subject(Supplier<ExtendedGraph> extend, Map<String, INDArray> feeds) {}

  private StartUp() {}

  /**
   * Measures, and prints a line for each.
   *
   * @param args one of the benchmark's problems, such as {@code resnet18_32x32:8}, or a network of
   *     two LSTMs by its number of steps, such as {@code lstm:256}; one a process, or the second is
   *     not cold
   */
  public static void main(String[] args) {
    for (String name : args) {
      Subject subject =
          name.startsWith("lstm:")
              ? text(Integer.parseInt(name.substring("lstm:".length())))
              : problem(name);
      double[] first = seconds(subject);
      double[] best = seconds(subject);
      for (int round = 2; round < ROUNDS; round++) {
        double[] next = seconds(subject);
        for (int k = 0; k < best.length; k++) {
          best[k] = Math.min(best[k], next[k]);
        }
      }
      print(name + ", cold", first);
      print(name + ", warm", best);
    }
  }

  private static void print(String name, double[] seconds) {
    System.out.printf(
        Locale.ROOT,
        "%s: extend %.2f s, first evaluation %.2f s, second %.3f s%n",
        name,
        seconds[0],
        seconds[1],
        seconds[2]);
  }

  private static double[] seconds(Subject subject) {
    long start = System.nanoTime();
    ExtendedGraph graph = subject.extend().get();
    long extended = System.nanoTime();
    List<String> names = new ArrayList<>(graph.outputNames());
    graph.output(subject.feeds(), names);
    long once = System.nanoTime();
    graph.output(subject.feeds(), names);
    long twice = System.nanoTime();
    return new double[] {(extended - start) / 1e9, (once - extended) / 1e9, (twice - once) / 1e9};
  }

  private static Subject problem(String name) {
    Problem problem = Problems.of(name);
    return new Subject(() -> BackPack.extend(problem.graph(), new BatchL2Grad()), problem.feeds());
  }

  /** Two LSTMs of 32 units over a series. */
  private static Subject text(int steps) {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(1)
                .list()
                .layer(new LSTM.Builder().nOut(32).build())
                .layer(new LSTM.Builder().nOut(32).build())
                .layer(
                    new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nOut(LETTERS)
                        .build())
                .setInputType(InputType.recurrent(LETTERS, steps))
                .build());
    net.init();
    INDArray letters = Nd4j.zeros(SEQUENCES, LETTERS, steps);
    for (int n = 0; n < SEQUENCES; n++) {
      for (int t = 0; t < steps; t++) {
        letters.putScalar(n, (7 * n + 3 * t) % LETTERS, t, 1);
      }
    }
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(net, new long[] {LETTERS, steps});
    return new Subject(
        () -> converted.extend(new BatchL2Grad()),
        converted.feeds(new DataSet(letters, letters.dup())));
  }
}
