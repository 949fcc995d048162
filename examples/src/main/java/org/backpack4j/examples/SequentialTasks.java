package org.backpack4j.examples;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.backpack4j.dl4j.weights.ElasticWeightConsolidation;
import org.backpack4j.examples.data.FashionMnist;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * Trains a dense network on Fashion-MNIST, and then on the same images with their pixels permuted:
 * plainly, which forgets the first task, and by elastic weight consolidation of several strengths.
 * It tells the accuracy on test images of both tasks.
 *
 * <p>Where Debian's package {@code dataset-fashion-mnist} is not installed, the 256 images that
 * come with the examples are trained and tested with.
 */
public final class SequentialTasks {
  private static final double[] STRENGTHS = {0, 10, 100, 1_000, 10_000};

  private SequentialTasks() {}

  /**
   * Runs the trainings.
   *
   * @param args the number of epochs of each task, 5 by default, and of training images, 20,000 by
   *     default
   */
  public static void main(String[] args) {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 5;
    boolean whole = FashionMnist.isInstalled();
    int wanted = args.length > 1 ? Integer.parseInt(args[1]) : 20_000;
    int count = whole ? wanted : Math.min(wanted, FashionMnist.COUNT);
    DataSet first =
        DenseImages.data(whole ? FashionMnist.training(count) : FashionMnist.load(count));
    DataSet firstTest = whole ? DenseImages.data(FashionMnist.test(10_000)) : first;
    int[] order = order();
    DataSet second = permuted(first, order);
    DataSet secondTest = permuted(firstTest, order);
    MultiLayerNetwork learned = DenseImages.network();
    learned.fit(batches(first), epochs);
    System.out.printf(
        Locale.ROOT,
        "after the first task: %.1f %%%n",
        100 * DenseImages.accuracy(learned, firstTest));
    for (double strength : STRENGTHS) {
      MultiLayerNetwork net = learned.clone();
      ElasticWeightConsolidation ewc = ElasticWeightConsolidation.of(net).strength(strength);
      if (strength > 0) {
        net.addListeners(ewc.fit(batches(first)));
      }
      net.fit(batches(second), epochs);
      System.out.printf(
          Locale.ROOT,
          "λ = %-7.0f first task %.1f %%, second task %.1f %%, penalty %.4f%n",
          strength,
          100 * DenseImages.accuracy(net, firstTest),
          100 * DenseImages.accuracy(net, secondTest),
          ewc.penalty());
    }
  }

  private static DataSetIterator batches(DataSet data) {
    return new ListDataSetIterator<>(data.asList(), Math.min(100, data.numExamples()));
  }

  private static int[] order() {
    List<Integer> order = new ArrayList<>();
    for (int k = 0; k < DenseImages.pixels(); k++) {
      order.add(k);
    }
    Collections.shuffle(order, new Random(3));
    return order.stream().mapToInt(k -> k).toArray();
  }

  private static DataSet permuted(DataSet data, int[] order) {
    INDArray pixels = data.getFeatures().getColumns(order);
    return new DataSet(pixels, data.getLabels());
  }
}
