package org.backpack4j.examples;

import java.util.Arrays;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.examples.data.LabelledImages;
import org.backpack4j.examples.data.Mnist;
import org.backpack4j.examples.tutorial.CustomResNet;
import org.backpack4j.examples.tutorial.DeepResNet;
import org.backpack4j.examples.tutorial.ResNetOfBlocks;

/**
 * BackPACK's tutorial on residual networks, in three parts, on 32 real images: Fashion-MNIST, which
 * comes with this program, or MNIST where the argument {@code mnist} asks for it and it can be
 * reached. Every part checks its numbers, and fails where they are wrong.
 */
public final class Tutorial {

  private static final int BATCH = 32;

  private Tutorial() {}

  /**
   * Runs the tutorial.
   *
   * @param args {@code mnist}, or nothing
   */
  public static void main(String[] args) {
    LabelledImages batch = batch(Arrays.asList(args).contains("mnist"));
    title("Custom ResNet: individual gradients");
    CustomResNet.run(batch);
    title("ResNet out of building blocks: exact GGN diagonal");
    ResNetOfBlocks.run(batch);
    title("ResNet-18: exact GGN diagonal");
    DeepResNet.run();
  }

  private static LabelledImages batch(boolean mnist) {
    if (mnist) {
      return Mnist.load(BATCH)
          .orElseGet(
              () -> {
                System.out.println("MNIST cannot be reached; this is Fashion-MNIST instead.");
                return FashionMnist.load(BATCH);
              });
    }
    return FashionMnist.load(BATCH);
  }

  private static void title(String text) {
    System.out.println();
    System.out.println(text);
    System.out.println("-".repeat(text.length()));
  }
}
