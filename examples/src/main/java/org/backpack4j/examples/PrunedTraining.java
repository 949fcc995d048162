package org.backpack4j.examples;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.backpack4j.dl4j.weights.Pruning;
import org.backpack4j.dl4j.weights.PruningMasks;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.samediff.extension.DiagHessian;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * Trains a dense network on Fashion-MNIST, prunes it by magnitude and by optimal brain damage with
 * the diagonals of the generalised Gauss-Newton matrix and of the Hessian, in rounds of growing
 * sparsity, and tells the accuracy on test images, at once and after an epoch with the masks.
 *
 * <p>Where Debian's package {@code dataset-fashion-mnist} is installed, it is that of 10,000 test
 * images; else the 256 that come with the examples are trained and tested with.
 */
public final class PrunedTraining {
  private static final double[] SPARSITIES = {0.5, 0.8, 0.9, 0.95, 0.98};

  private PrunedTraining() {}

  /**
   * Runs the training, and prunes.
   *
   * @param args the number of epochs, 10 by default, and of training images, 20,000 by default
   */
  public static void main(String[] args) {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 10;
    boolean whole = FashionMnist.isInstalled();
    int wanted = args.length > 1 ? Integer.parseInt(args[1]) : 20_000;
    int count = whole ? wanted : Math.min(wanted, FashionMnist.COUNT);
    DataSet training =
        DenseImages.data(whole ? FashionMnist.training(count) : FashionMnist.load(count));
    DataSet test = whole ? DenseImages.data(FashionMnist.test(10_000)) : training;
    DataSetIterator batches = batches(training, 100);
    MultiLayerNetwork net = DenseImages.network();
    net.fit(batches, epochs);
    net.setLearningRate(1e-4);
    net.fit(batches, epochs / 2); // towards the minimum that the quadratic model is of
    System.out.printf(
        Locale.ROOT,
        "%d images, %d epochs: accuracy %.1f %%, loss %.4f%n",
        count,
        epochs,
        100 * DenseImages.accuracy(net, test),
        net.score(training));
    Map<String, Function<MultiLayerNetwork, Pruning>> kinds = new LinkedHashMap<>();
    kinds.put("magnitude", Pruning::of);
    kinds.put("GGN", n -> Pruning.of(n).obd(batches(training, 500)));
    kinds.put("Hessian", n -> Pruning.of(n).obd(batches(training, 500), new DiagHessian()));
    kinds.forEach((name, pruning) -> prune(name, pruning, net, training, test));
  }

  /** In rounds: each ranks anew, and trains an epoch with the masks. */
  private static void prune(
      String name,
      Function<MultiLayerNetwork, Pruning> kind,
      MultiLayerNetwork trained,
      DataSet training,
      DataSet test) {
    MultiLayerNetwork net = trained.clone();
    net.setLearningRate(1e-3);
    for (double sparsity : SPARSITIES) {
      double before = net.score(training);
      Pruning ranked = kind.apply(net);
      String predicted =
          name.equals("magnitude")
              ? ""
              : String.format(
                  Locale.ROOT,
                  " (predicted %.4f, gradient %.2f)",
                  ranked.predictedIncrease(sparsity),
                  ranked.gradientNorm());
      PruningMasks masks = ranked.prune(sparsity);
      double increase = net.score(training) - before;
      double atOnce = DenseImages.accuracy(net, test);
      net.setListeners(masks);
      net.fit(batches(training, 100), 1);
      System.out.printf(
          Locale.ROOT,
          "%-10s %3.0f %%  accuracy %.1f %%, after an epoch %.1f %%  loss +%.4f%s%n",
          name,
          100 * sparsity,
          100 * atOnce,
          100 * DenseImages.accuracy(net, test),
          increase,
          predicted);
    }
  }

  private static DataSetIterator batches(DataSet data, int size) {
    return new ListDataSetIterator<>(data.asList(), Math.min(size, data.numExamples()));
  }
}
