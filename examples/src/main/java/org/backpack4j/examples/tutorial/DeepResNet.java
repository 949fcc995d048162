package org.backpack4j.examples.tutorial;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.backpack4j.examples.blocks.Network;
import org.backpack4j.examples.blocks.ResNet18;
import org.backpack4j.examples.blocks.ResNet18.Stem;
import org.backpack4j.examples.blocks.UniformInitializer;
import org.backpack4j.examples.blocks.WeightLayout;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ResNet-18 with fixed batch-norm statistics (those of a batch would make samples depend on each
 * other), its graph as a table, and the exact diagonal of its Gauss-Newton matrix.
 */
public final class DeepResNet {

  private static final long SAMPLES = 4;
  private static final long CHANNELS = 3;
  private static final long SIZE = 7; // 224 in earnest
  private static final long CLASSES = 5;

  private DeepResNet() {}

  /** Computes, prints and checks the diagonal. */
  public static void run() {
    Network network = new Network(WeightLayout.PYTORCH, new UniformInitializer(2));
    SDVariable x = network.batch("x", CHANNELS, SIZE, SIZE);
    SDVariable y = network.batch("y", CLASSES);
    SDVariable output = new ResNet18(Stem.IMAGENET, CHANNELS, CLASSES).build(network, "", x);
    network.graph().loss().meanSquaredError("loss", y, output, null);
    Random random = new Random(3);
    Map<String, INDArray> feeds =
        Map.of(
            "x", uniform(random, SAMPLES, CHANNELS, SIZE, SIZE),
            "y", uniform(random, SAMPLES, CLASSES));
    try (ExtendedGraph graph = BackPack.extend(network.graph(), new DiagGGNExact())) {
      System.out.println(graph.table());
      new DiagonalCheck(network.graph(), feeds, network.parameters()).run(graph);
    }
  }

  /** Numbers in [0, 1). */
  private static INDArray uniform(Random random, long... shape) {
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat();
    }
    return Nd4j.createFromArray(values).reshape('c', shape);
  }
}
