package org.backpack4j.examples.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.examples.blocks.AvgPool2d;
import org.backpack4j.examples.blocks.Block;
import org.backpack4j.examples.blocks.Conv2d;
import org.backpack4j.examples.blocks.Flatten;
import org.backpack4j.examples.blocks.Identity;
import org.backpack4j.examples.blocks.Linear;
import org.backpack4j.examples.blocks.MaxPool2d;
import org.backpack4j.examples.blocks.Network;
import org.backpack4j.examples.blocks.Parallel;
import org.backpack4j.examples.blocks.Relu;
import org.backpack4j.examples.blocks.ResNet18;
import org.backpack4j.examples.blocks.ResNet18.Stem;
import org.backpack4j.examples.blocks.Sequential;
import org.backpack4j.examples.blocks.SumModule;
import org.backpack4j.examples.blocks.WeightLayout;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The problems that the library is measured on, in float. Inputs are stream 2001; the label of
 * sample n is 7 n mod C, or what should come out is stream 3001.
 */
public final class Problems {

  /** Every problem, with the batch size it is measured at. */
  public static final List<String> NAMES =
      List.of(
          "3c3d:32",
          "3c3d:128",
          "mlp:128",
          "resnet_tutorial:32",
          "resnet18_7x7:4",
          "resnet18_32x32:8",
          "allcnnc:8");

  private static final String CLASSES = "classes_";
  private static final String CONVOLUTIONS = "3c3d_";
  private static final String WIDTH = "width_";

  private Problems() {}

  /**
   * Builds a problem.
   *
   * <p>Further kinds show how cost grows: {@code classes_C:N}, a perceptron with C classes, {@code
   * 3c3d_C:N}, 3c3d with C classes, and {@code width_W:N}, a perceptron with two hidden layers of W
   * units.
   *
   * @param name its kind and batch size, as in {@link #NAMES}; any batch size will do
   * @throws IllegalArgumentException if there is no such kind
   */
  public static Problem of(String name) {
    String[] parts = name.split(":", -1);
    if (parts.length != 2) {
      throw new IllegalArgumentException("A problem is named kind:batch, not " + name);
    }
    int batch = Integer.parseInt(parts[1]);
    if (parts[0].startsWith(CLASSES)) {
      int classes = Integer.parseInt(parts[0].substring(CLASSES.length()));
      return classification(name, batch, perceptron(784, 128, 64, classes), classes, 784);
    }
    if (parts[0].startsWith(CONVOLUTIONS)) {
      int classes = Integer.parseInt(parts[0].substring(CONVOLUTIONS.length()));
      return classification(name, batch, threeConvolutions(classes), classes, 3, 32, 32);
    }
    if (parts[0].startsWith(WIDTH)) {
      int width = Integer.parseInt(parts[0].substring(WIDTH.length()));
      return classification(name, batch, perceptron(784, width, width, 10), 10, 784);
    }
    return switch (parts[0]) {
      case "3c3d" -> classification(name, batch, threeConvolutions(10), 10, 3, 32, 32);
      case "mlp" -> classification(name, batch, perceptron(784, 128, 64, 10), 10, 784);
      case "resnet_tutorial" -> classification(name, batch, smallResNet(), 10, 1, 28, 28);
      case "resnet18_7x7" -> regression(name, batch, resNet18(5), 5, 3, 7, 7);
      case "resnet18_32x32" -> classification(name, batch, resNet18(10), 10, 3, 32, 32);
      case "allcnnc" -> classification(name, batch, allConvolutions(), 100, 3, 32, 32);
      default -> throw new IllegalArgumentException("No problem " + name + "; there are " + NAMES);
    };
  }

  /** 3c3d of DeepOBS. */
  private static Block threeConvolutions(long classes) {
    List<Block> blocks = new ArrayList<>();
    blocks.addAll(stage(new Conv2d(3, 64, 5, 0)));
    blocks.addAll(stage(new Conv2d(64, 96, 3, 0)));
    blocks.addAll(stage(new Conv2d(96, 128, 3, 1)));
    blocks.add(new Flatten(1152));
    blocks.add(new Linear(1152, 512));
    blocks.add(new Relu());
    blocks.add(new Linear(512, 256));
    blocks.add(new Relu());
    blocks.add(new Linear(256, classes));
    return new Sequential(blocks);
  }

  /** The pooling's windows reach over the edge, so that the padding before it adds nothing. */
  private static List<Block> stage(Conv2d convolution) {
    return List.of(convolution, new Relu(), new Identity(), new MaxPool2d(3, 2, 0, true));
  }

  private static Block perceptron(long in, long first, long second, long classes) {
    return new Sequential(
        new Linear(in, first),
        new Relu(),
        new Linear(first, second),
        new Relu(),
        new Linear(second, classes));
  }

  /** The tutorial's ResNet out of building blocks. */
  private static Block smallResNet() {
    return new Sequential(
        new Conv2d(1, 2, 3, 1),
        new Relu(),
        new Parallel(
            new SumModule(), new Identity(), new Sequential(new Conv2d(2, 2, 3, 1), new Relu())),
        new Flatten(28 * 28 * 2),
        new Linear(28 * 28 * 2, 10));
  }

  private static Block resNet18(long classes) {
    return new ResNet18(Stem.IMAGENET, 3, classes);
  }

  /** All-CNN-C (Springenberg et al., 2015). */
  private static Block allConvolutions() {
    List<Block> blocks = new ArrayList<>();
    for (Conv2d convolution :
        List.of(
            new Conv2d(3, 96, 3, 1),
            new Conv2d(96, 96, 3, 1),
            new Conv2d(96, 96, 3, 2, 1, true),
            new Conv2d(96, 192, 3, 1),
            new Conv2d(192, 192, 3, 1),
            new Conv2d(192, 192, 3, 2, 1, true),
            new Conv2d(192, 192, 3, 0),
            new Conv2d(192, 192, 1, 0),
            new Conv2d(192, 100, 1, 0))) {
      blocks.add(convolution);
      blocks.add(new Relu());
    }
    blocks.add(new AvgPool2d(6));
    blocks.add(new Flatten(100));
    return new Sequential(blocks);
  }

  private static Problem classification(
      String name, int batch, Block block, int classes, long... sample) {
    Network network = network();
    SDVariable output = output(network, block, sample);
    SDVariable labels = network.batch(Problem.LABELS, classes);
    network.graph().loss().softmaxCrossEntropy(Problem.LOSS, labels, output, null);
    INDArray oneHot = Nd4j.zeros(DataType.FLOAT, batch, classes);
    for (int n = 0; n < batch; n++) {
      oneHot.putScalar(n, n * 7 % classes, 1);
    }
    return problem(name, network, batch, oneHot, sample);
  }

  private static Problem regression(
      String name, int batch, Block block, int outputs, long... sample) {
    Network network = network();
    SDVariable output = output(network, block, sample);
    SDVariable labels = network.batch(Problem.LABELS, outputs);
    network.graph().loss().meanSquaredError(Problem.LOSS, labels, output, null);
    return problem(name, network, batch, HashedUniform.array(3001, batch, outputs), sample);
  }

  private static Network network() {
    return new Network(WeightLayout.SAMEDIFF, new HashedInitializer());
  }

  private static SDVariable output(Network network, Block block, long... sample) {
    SDVariable input = network.batch(Problem.INPUT, sample);
    return block.build(network, "", input).rename(Problem.OUTPUT);
  }

  private static Problem problem(
      String name, Network network, int batch, INDArray labels, long... sample) {
    long[] shape = new long[sample.length + 1];
    shape[0] = batch;
    System.arraycopy(sample, 0, shape, 1, sample.length);
    Map<String, INDArray> feeds =
        Map.of(Problem.INPUT, HashedUniform.array(2001, shape), Problem.LABELS, labels);
    return new Problem(name, network.graph(), feeds, network.parameters());
  }
}
