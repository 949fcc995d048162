package org.backpack4j.examples.tutorial;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.examples.blocks.Conv2d;
import org.backpack4j.examples.blocks.Flatten;
import org.backpack4j.examples.blocks.Linear;
import org.backpack4j.examples.blocks.Network;
import org.backpack4j.examples.blocks.Relu;
import org.backpack4j.examples.blocks.UniformInitializer;
import org.backpack4j.examples.blocks.WeightLayout;
import org.backpack4j.examples.data.LabelledImages;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A ResNet whose skip connection is written by hand, and the gradient of each sample of a batch.
 * One of them is compared with the gradient that SameDiff computes from that sample alone.
 */
public final class CustomResNet {

  private static final long HIDDEN = 5;
  private static final long FEATURES = HIDDEN * LabelledImages.SIZE * LabelledImages.SIZE;
  private static final int SAMPLE_TO_CHECK = 1;

  private static final List<String> PARAMETERS =
      List.of(
          "conv1.weight",
          "conv1.bias",
          "conv2.weight",
          "conv2.bias",
          "linear1.weight",
          "linear1.bias",
          "shortcut.weight",
          "shortcut.bias");

  private CustomResNet() {}

  /** Computes, prints and checks the gradients. */
  public static void run(LabelledImages batch) {
    SameDiff model = model();
    String[] names = PARAMETERS.stream().map(name -> name + ".grad_batch").toArray(String[]::new);
    Map<String, INDArray> results;
    try (ExtendedGraph graph = BackPack.extend(model, new BatchGrad())) {
      results = graph.output(feeds(batch), names);
    }
    for (String name : PARAMETERS) {
      long[] shape = gradients(results, name).shape();
      System.out.printf("%20s's grad_batch shape: %s%n", name, Arrays.toString(shape));
    }
    check(model, batch.sample(SAMPLE_TO_CHECK), results);
  }

  /** The network: two convolutions beside one, and a loss. */
  public static SameDiff model() {
    Network network = new Network(WeightLayout.PYTORCH, new UniformInitializer(0));
    SDVariable x = network.batch("x", 1, LabelledImages.SIZE, LabelledImages.SIZE);
    SDVariable y = network.batch("y", LabelledImages.CLASSES);
    SDVariable first = new Conv2d(1, HIDDEN, 3, 1).build(network, "conv1", x);
    SDVariable active = new Relu().build(network, "relu", first);
    SDVariable second = new Conv2d(HIDDEN, HIDDEN, 3, 1).build(network, "conv2", active);
    SDVariable residual = new Conv2d(1, HIDDEN, 1, 0).build(network, "shortcut", x);
    SDVariable sum = second.add("sum", residual);
    SDVariable flat = new Flatten(FEATURES).build(network, "flatten", sum);
    SDVariable logits =
        new Linear(FEATURES, LabelledImages.CLASSES).build(network, "linear1", flat);
    network.graph().loss().softmaxCrossEntropy("loss", y, logits, null, LossReduce.SUM, 0);
    return network.graph();
  }

  private static Map<String, INDArray> feeds(LabelledImages batch) {
    return Map.of("x", batch.images(), "y", batch.labels());
  }

  private static void check(SameDiff model, LabelledImages sample, Map<String, INDArray> results) {
    Map<String, INDArray> expected = SameDiffGradient.of(model, feeds(sample), PARAMETERS);
    System.out.println("Do the individual gradients match?");
    for (String name : PARAMETERS) {
      INDArray gradient = gradients(results, name).slice(SAMPLE_TO_CHECK);
      boolean match = Close.close(gradient, Objects.requireNonNull(expected.get(name)));
      System.out.printf("%20s: %s%n", name, match);
      if (!match) {
        throw new IllegalStateException("Individual gradients don't match!");
      }
    }
  }

  private static INDArray gradients(Map<String, INDArray> results, String parameter) {
    return Objects.requireNonNull(results.get(parameter + ".grad_batch"));
  }
}
