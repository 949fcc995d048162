package org.backpack4j.examples;

import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.blocks.ResNet;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.examples.data.LabelledImages;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;

/**
 * The exact diagonal of the generalised Gauss-Newton matrix of a ResNet-18, a DL4J
 * ComputationGraph, while it trains. Batch normalisation uses its running statistics there: with
 * those of the batch, samples would influence each other.
 */
public final class ResNet18Listener {
  private static final int BATCH = 8;

  private ResNet18Listener() {}

  /**
   * Trains for some iterations.
   *
   * @param args the number of iterations, 2 by default
   */
  public static void main(String[] args) {
    int iterations = args.length > 0 ? Integer.parseInt(args[0]) : 2;
    int half = LabelledImages.SIZE / 2;
    ComputationGraph net =
        ResNet.builder()
            .depth(18)
            .stem(ResNet.Stem.CIFAR)
            .inputShape(1, half, half)
            .numClasses(LabelledImages.CLASSES)
            .updater(new Adam(1e-3))
            .build()
            .init();
    LabelledImages images = FashionMnist.load(BATCH);
    INDArray small = images.images().reshape(BATCH, 1, half, 2, half, 2).mean(3, 5);
    DataSet batch = new DataSet(small, images.labels());
    try (BackPackListener backPack = new BackPackListener(new DiagGGNExact()).runningStatistics()) {
      net.addListeners(backPack.check(net, batch));
      for (int k = 0; k < iterations; k++) {
        net.fit(batch);
        System.out.printf("iteration %d, score %.4f%n", k, net.score());
      }
      backPack.latest().notes().forEach(System.out::println);
      System.out.printf("%-28s %12s %12s%n", "parameter", "trace", "largest");
      for (String parameter : net.paramTable().keySet()) {
        if (parameter.endsWith("_W")) {
          INDArray diagonal = backPack.get(parameter, DiagGGNExact.class);
          System.out.printf(
              "%-28s %12.4e %12.4e%n",
              parameter, diagonal.sumNumber().doubleValue(), diagonal.maxNumber().doubleValue());
        }
      }
    }
  }
}
