package org.backpack4j.examples;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleFunction;
import org.backpack4j.dl4j.train.Kfac;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.examples.benchmark.Charts;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.examples.data.LabelledImages;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Trains a deep autoencoder on Fashion-MNIST by Adam, by stochastic gradient descent with momentum,
 * and by steps that are preconditioned by curvature, and plots the loss against steps and against
 * time.
 *
 * <p>Of each way the number that it needs most, a learning rate or a damping, is chosen from five:
 * each is tried for as many steps, and the one with the smallest loss goes on to the run that is
 * plotted, from the same initial parameters. All runs make planned steps, and get the same time.
 * The loss is that of 1,000 of the training images, reduced to 14 × 14 pixels; the time is the
 * processor's for the steps alone, from the second on, since the first makes the graphs. It is that
 * of the thread that trains, so that other programs do not count: run it with {@code
 * OMP_NUM_THREADS=1}, that all work is on this thread.
 */
public final class PreconditionedTraining {
  private static final int BATCH = 512;
  private static final int WATCHED = 1000;
  private static final int SIDE = LabelledImages.SIZE / 2;
  private static final int[] WIDTHS = {128, 64, 32, 16, 32, 64, 128};
  private static final List<Long> EARLY = List.of(1L, 2L, 5L, 10L, 20L, 50L, 100L);

  private static final ThreadMXBean PROCESSOR = ManagementFactory.getThreadMXBean();

  private PreconditionedTraining() {}

  /**
   * A way of training.
   *
   * @param number what is chosen from the grid
   * @param made makes updater and listener of a number
   */
  private record Way(String name, String number, double[] grid, DoubleFunction<Choice> made) {}

  /** What a way of training is made of. */
  private record Choice(IUpdater updater, List<Kfac> preconditioner) {
    Choice(IUpdater updater) {
      this(updater, List.of());
    }
  }

  private static final List<Way> WAYS =
      List.of(
          new Way(
              "Adam",
              "learning rate",
              new double[] {3e-4, 1e-3, 3e-3, 1e-2, 3e-2},
              rate -> new Choice(new Adam(rate))),
          new Way(
              "SGD, momentum 0.9",
              "learning rate",
              new double[] {1e-3, 3e-3, 1e-2, 3e-2, 1e-1},
              rate -> new Choice(new Nesterovs(rate, 0.9))),
          new Way(
              "Kfac, momentum 0.9",
              "learning rate",
              new double[] {3e-3, 1e-2, 3e-2, 1e-1, 3e-1},
              rate ->
                  new Choice(new Nesterovs(rate, 0.9), List.of(kfac().damping(1).adaptDamping(5)))),
          new Way(
              "Kfac, exact momentum",
              "initial damping",
              new double[] {1e-3, 1e-2, 1e-1, 1, 1e1},
              damping ->
                  new Choice(
                      new Sgd(1),
                      List.of(kfac().damping(damping).exactMomentum().adaptDamping(5)))));

  private static Kfac kfac() {
    return Kfac.preconditioner().every(2, 20);
  }

  /** What was seen of a run: steps, seconds and losses. */
  private record Run(List<double[]> points) {
    double lastLoss() {
      return points.get(points.size() - 1)[2];
    }

    double at(int column, double bound) {
      return points.stream().filter(p -> p[column] <= bound).mapToDouble(p -> p[2]).min().orElse(0);
    }

    List<double[]> curve(int column, double bound) {
      return points.stream()
          .filter(p -> p[column] <= bound)
          .map(p -> new double[] {p[column], p[2]})
          .toList();
    }
  }

  /**
   * Runs all ways.
   *
   * @param args the folder for the plots, {@code target} by default; the seconds of each run, 30 by
   *     default; the number of steps that each number of a grid is tried for, 80 by default; the
   *     number of training images, 16,384 by default
   * @throws IOException if a plot cannot be written
   */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args.length > 0 ? args[0] : "target");
    double seconds = args.length > 1 ? Double.parseDouble(args[1]) : 30;
    int trial = args.length > 2 ? Integer.parseInt(args[2]) : 80;
    int count = args.length > 3 ? Integer.parseInt(args[3]) : 16_384;
    INDArray images =
        reduced(
            FashionMnist.isInstalled()
                ? FashionMnist.training(count)
                : FashionMnist.load(Math.min(count, FashionMnist.COUNT)));
    INDArray initial = network(new Sgd(1)).params();
    System.out.printf(
        Locale.ROOT,
        "%d images, batches of %d, %d parameters%n",
        images.size(0),
        BATCH,
        initial.length());
    Map<String, Run> runs = new LinkedHashMap<>();
    for (Way way : WAYS) {
      double chosen = chosen(way, images, initial, trial);
      Run run = run(way.made().apply(chosen), images, initial, Long.MAX_VALUE, seconds);
      runs.put(way.name(), run);
      double[] last = run.points().get(run.points().size() - 1);
      System.out.printf(
          Locale.ROOT,
          "%-22s %s %s: loss %.2f after %.0f steps in %.0f s, %.1f ms a step%n",
          way.name(),
          way.number(),
          chosen,
          last[2],
          last[0],
          last[1],
          1000 * last[1] / (last[0] - 1));
    }
    plot(folder, runs);
  }

  private static double chosen(Way way, INDArray images, INDArray initial, int steps) {
    double best = Double.NaN;
    double least = Double.POSITIVE_INFINITY;
    for (double number : way.grid()) {
      double loss;
      try {
        loss = run(way.made().apply(number), images, initial, steps, Double.MAX_VALUE).lastLoss();
      } catch (IllegalArgumentException | ArithmeticException e) {
        loss = Double.POSITIVE_INFINITY; // parameters that are no numbers any more
      }
      System.out.printf(
          Locale.ROOT,
          "%-22s %s %s: loss %.2f after %d steps%n",
          way.name(),
          way.number(),
          number,
          loss,
          steps);
      if (loss < least) {
        least = loss;
        best = number;
      }
    }
    return best;
  }

  private static Run run(
      Choice choice, INDArray images, INDArray initial, long steps, double seconds) {
    MultiLayerNetwork net = network(choice.updater());
    net.setParams(initial);
    net.setListeners(choice.preconditioner().toArray(TrainingListener[]::new));
    DataSet watched = batch(images, 0, Math.min(WATCHED, images.size(0)));
    List<double[]> points = new ArrayList<>();
    points.add(new double[] {0, 0, net.score(watched, false)});
    long size = Math.min(BATCH, images.size(0));
    double clock = 0;
    double told = 0;
    try (PlannedTraining training = PlannedTraining.of(net)) {
      for (long step = 1; step <= steps && clock < seconds; step++) {
        long from = (step - 1) * size % (images.size(0) / size * size);
        DataSet batch = batch(images, from, from + size);
        long start = PROCESSOR.getCurrentThreadCpuTime();
        training.fit(batch);
        clock += step == 1 ? 0 : (PROCESSOR.getCurrentThreadCpuTime() - start) / 1e9;
        if (EARLY.contains(step) || clock > told + seconds / 80 || step == steps) {
          points.add(new double[] {step, clock, net.score(watched, false)});
          told = clock;
        }
      }
      if (clock > told) {
        points.add(new double[] {net.getIterationCount(), clock, net.score(watched, false)});
      }
    } finally {
      choice.preconditioner().forEach(Kfac::close);
    }
    return new Run(points);
  }

  private static void plot(Path folder, Map<String, Run> runs) throws IOException {
    Files.createDirectories(folder);
    String[] axes = {"steps", "time"};
    String[] units = {"steps", "seconds of one processor"};
    for (int column = 0; column < axes.length; column++) {
      int axis = column;
      double common =
          runs.values().stream()
              .mapToDouble(r -> r.points().get(r.points().size() - 1)[axis])
              .min()
              .orElse(0);
      Map<String, List<double[]>> curves = new LinkedHashMap<>();
      runs.forEach((name, run) -> curves.put(name, run.curve(axis, common)));
      Charts.curves(
          folder.resolve("preconditioned_" + axes[column] + ".svg"),
          "A deep autoencoder on Fashion-MNIST",
          units[column],
          "cross entropy of an image",
          curves);
      for (double share : new double[] {0.25, 0.5, 1}) {
        StringBuilder line = new StringBuilder();
        runs.forEach(
            (name, run) ->
                line.append(
                    String.format(Locale.ROOT, "  %s %.2f", name, run.at(axis, share * common))));
        System.out.printf(
            Locale.ROOT, "smallest loss within %.0f %s:%s%n", share * common, units[column], line);
      }
    }
  }

  /** Means of 2 × 2 pixels, a row for each image. */
  private static INDArray reduced(LabelledImages images) {
    INDArray all = images.images();
    long count = all.size(0);
    return all.reshape('c', count, SIDE, 2, SIDE, 2).mean(2, 4).reshape(count, SIDE * SIDE);
  }

  private static DataSet batch(INDArray images, long from, long to) {
    INDArray rows = images.get(NDArrayIndex.interval(from, to), NDArrayIndex.all());
    return new DataSet(rows, rows);
  }

  private static MultiLayerNetwork network(IUpdater updater) {
    NeuralNetConfiguration.ListBuilder layers =
        new NeuralNetConfiguration.Builder()
            .seed(7)
            .updater(updater)
            .activation(Activation.TANH)
            .list();
    Arrays.stream(WIDTHS).forEach(n -> layers.layer(new DenseLayer.Builder().nOut(n).build()));
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            layers
                .layer(
                    new OutputLayer.Builder(LossFunction.XENT)
                        .nOut(SIDE * SIDE)
                        .activation(Activation.SIGMOID)
                        .build())
                .setInputType(InputType.feedForward(SIDE * SIDE))
                .build());
    net.init();
    return net;
  }
}
