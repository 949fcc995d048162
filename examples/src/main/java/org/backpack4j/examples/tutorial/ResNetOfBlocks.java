package org.backpack4j.examples.tutorial;

import java.util.Map;
import org.backpack4j.examples.blocks.Block;
import org.backpack4j.examples.blocks.Conv2d;
import org.backpack4j.examples.blocks.Flatten;
import org.backpack4j.examples.blocks.Identity;
import org.backpack4j.examples.blocks.Linear;
import org.backpack4j.examples.blocks.Network;
import org.backpack4j.examples.blocks.Parallel;
import org.backpack4j.examples.blocks.Relu;
import org.backpack4j.examples.blocks.Sequential;
import org.backpack4j.examples.blocks.SumModule;
import org.backpack4j.examples.blocks.UniformInitializer;
import org.backpack4j.examples.blocks.WeightLayout;
import org.backpack4j.examples.data.LabelledImages;
import org.nd4j.autodiff.samediff.SDVariable;

/** A ResNet out of building blocks, and the exact diagonal of its Gauss-Newton matrix. */
public final class ResNetOfBlocks {

  private static final long HIDDEN = 2;
  private static final long FEATURES = HIDDEN * LabelledImages.SIZE * LabelledImages.SIZE;

  private ResNetOfBlocks() {}

  /** Computes, prints and checks the diagonal. */
  public static void run(LabelledImages batch) {
    Network network = new Network(WeightLayout.PYTORCH, new UniformInitializer(1));
    SDVariable x = network.batch("x", 1, LabelledImages.SIZE, LabelledImages.SIZE);
    SDVariable y = network.batch("y", LabelledImages.CLASSES);
    SDVariable logits = model().build(network, "", x);
    network.graph().loss().softmaxCrossEntropy("loss", y, logits, null);
    new DiagonalCheck(
            network.graph(), Map.of("x", batch.images(), "y", batch.labels()), network.parameters())
        .run();
  }

  private static Block model() {
    return new Sequential(
        new Conv2d(1, HIDDEN, 3, 1),
        new Relu(),
        new Parallel( // skip connection with ReLU-activated convolution
            new SumModule(),
            new Identity(),
            new Sequential(new Conv2d(HIDDEN, HIDDEN, 3, 1), new Relu())),
        new Flatten(FEATURES),
        new Linear(FEATURES, LabelledImages.CLASSES));
  }
}
