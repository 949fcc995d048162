package org.backpack4j.dl4j.blocks;

import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Residual networks of 18, 34 or 50 layers (He, Zhang, Ren and Sun, 2015), put together and set up
 * as those of DL4J's zoo are:
 *
 * <pre>{@code
 * ComputationGraph net = ResNet.builder().depth(18).stem(Stem.CIFAR).inputShape(3, 32, 32).numClasses(10).build().init();
 * }</pre>
 *
 * <p>Names are torchvision's: {@code conv1}, {@code layer1.0.conv1}, {@code layer1.0.sum}, {@code
 * fc}.
 */
public final class ResNet {
  /** The layers before the first block. */
  public enum Stem {
    /** A 7×7 convolution and a pooling, of stride two each, for large images. */
    IMAGENET,
    /** A 3×3 convolution of stride one, for small images. */
    CIFAR
  }

  private final int[] blocks;
  private final boolean bottleneck;
  private final Builder choices;

  private ResNet(Builder choices) {
    this.choices = choices;
    this.bottleneck = choices.depth == 50;
    this.blocks =
        switch (choices.depth) {
          case 18 -> new int[] {2, 2, 2, 2};
          case 34, 50 -> new int[] {3, 4, 6, 3};
          default ->
              throw new IllegalArgumentException(
                  "A ResNet has 18, 34 or 50 layers here, not " + choices.depth + ".");
        };
  }

  /**
   * Choices.
   *
   * @return a builder with the defaults: 18 layers, 224×224 images of three channels, 1000 classes
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The configuration.
   *
   * @return a graph with the input "input" and the output "fc"
   */
  public ComputationGraphConfiguration conf() {
    int[] shape = choices.inputShape;
    GraphBuilder graph =
        new NeuralNetConfiguration.Builder()
            .seed(choices.seed)
            .dataType(choices.dataType)
            .updater(choices.updater)
            .weightInit(WeightInit.RELU)
            .activation(Activation.IDENTITY)
            .graphBuilder()
            .addInputs("input")
            .setInputTypes(InputType.convolutional(shape[1], shape[2], shape[0]));
    String last = stem(graph);
    int width = choices.width;
    int channels = width;
    for (int stage = 0; stage < blocks.length; stage++) {
      int out = bottleneck ? 4 * width : width;
      for (int k = 0; k < blocks[stage]; k++) {
        int stride = stage > 0 && k == 0 ? 2 : 1;
        String name = "layer" + (stage + 1) + "." + k;
        last = block(graph, name, last, width, stride, stride != 1 || channels != out);
        channels = out;
      }
      width *= 2;
    }
    graph.addLayer("avgpool", new GlobalPoolingLayer(PoolingType.AVG), last);
    graph.addLayer(
        "fc",
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(choices.numClasses)
            .activation(Activation.SOFTMAX)
            .build(),
        "avgpool");
    return graph.setOutputs("fc").build();
  }

  /**
   * The network.
   *
   * @return the network, initialised
   */
  public ComputationGraph init() {
    ComputationGraph net = new ComputationGraph(conf());
    net.init();
    return net;
  }

  private String stem(GraphBuilder graph) {
    boolean large = choices.stem == Stem.IMAGENET;
    graph.addLayer(
        "conv1",
        large ? convolution(7, 2, choices.width) : convolution(3, 1, choices.width),
        "input");
    graph.addLayer("bn1", new BatchNormalization.Builder().build(), "conv1");
    graph.addLayer("relu", relu(), "bn1");
    if (!large) {
      return "relu";
    }
    graph.addLayer(
        "maxpool",
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
            .kernelSize(3, 3)
            .stride(2, 2)
            .padding(1, 1)
            .build(),
        "relu");
    return "maxpool";
  }

  /** Convolutions, and around them a skip connection. */
  private String block(
      GraphBuilder graph, String name, String input, int width, int stride, boolean changes) {
    int out = bottleneck ? 4 * width : width;
    List<ConvolutionLayer> convolutions =
        bottleneck
            ? List.of(
                convolution(1, 1, width), convolution(3, stride, width), convolution(1, 1, out))
            : List.of(convolution(3, stride, width), convolution(3, 1, width));
    Block deep = (g, n, in) -> deep(g, name, in, convolutions);
    Block skip =
        changes ? (g, n, in) -> skip(g, name, in, convolution(1, stride, out)) : Block.identity();
    String sum = new Parallel(SumModule.vertex(), deep, skip).addTo(graph, name + ".sum", input);
    graph.addLayer(name + ".relu", relu(), sum);
    return name + ".relu";
  }

  private static String deep(
      GraphBuilder graph, String name, String input, List<ConvolutionLayer> convolutions) {
    String last = input;
    for (int k = 1; k <= convolutions.size(); k++) {
      graph.addLayer(name + ".conv" + k, convolutions.get(k - 1), last);
      last = name + ".bn" + k;
      graph.addLayer(last, new BatchNormalization.Builder().build(), name + ".conv" + k);
      if (k < convolutions.size()) {
        graph.addLayer(name + ".relu" + k, relu(), last);
        last = name + ".relu" + k;
      }
    }
    return last;
  }

  private static String skip(
      GraphBuilder graph, String name, String input, ConvolutionLayer convolution) {
    graph.addLayer(name + ".downsample.0", convolution, input);
    graph.addLayer(
        name + ".downsample.1", new BatchNormalization.Builder().build(), name + ".downsample.0");
    return name + ".downsample.1";
  }

  private static ConvolutionLayer convolution(int kernel, int stride, int out) {
    return new ConvolutionLayer.Builder(kernel, kernel)
        .stride(stride, stride)
        .padding(kernel / 2, kernel / 2)
        .nOut(out)
        .hasBias(false)
        .build();
  }

  private static ActivationLayer relu() {
    return new ActivationLayer(Activation.RELU);
  }

  /** Choices for a ResNet, named as in DL4J's zoo. Each call changes and answers the builder. */
  public static final class Builder {
    private int depth = 18;
    private Stem stem = Stem.IMAGENET;
    private int width = 64;
    private int numClasses = 1000;
    private int[] inputShape = {3, 224, 224};
    private long seed = 1234;
    private IUpdater updater = new Adam();
    private DataType dataType = DataType.FLOAT;

    private Builder() {}

    /**
     * Chooses the number of layers.
     *
     * @param layers 18, 34 or 50
     * @return this builder
     */
    public Builder depth(int layers) {
      depth = layers;
      return this;
    }

    /**
     * Chooses how it begins.
     *
     * @param choice for large or for small images
     * @return this builder
     */
    public Builder stem(Stem choice) {
      stem = choice;
      return this;
    }

    /**
     * Chooses the channels of the first stage; each further stage has twice as many.
     *
     * @param channels 64 in the paper
     * @return this builder
     */
    public Builder width(int channels) {
      width = channels;
      return this;
    }

    /**
     * Chooses the number of classes.
     *
     * @param classes the number of outputs
     * @return this builder
     */
    public Builder numClasses(int classes) {
      numClasses = classes;
      return this;
    }

    /**
     * Chooses the shape of images.
     *
     * @param shape channels, height, width
     * @return this builder
     */
    public Builder inputShape(int... shape) {
      if (shape.length != 3) {
        throw new IllegalArgumentException("The input shape is channels, height, width.");
      }
      inputShape = shape.clone();
      return this;
    }

    /**
     * Chooses the seed of the initial weights.
     *
     * @param number the seed
     * @return this builder
     */
    public Builder seed(long number) {
      seed = number;
      return this;
    }

    /**
     * Chooses the updater.
     *
     * @param choice the updater
     * @return this builder
     */
    public Builder updater(IUpdater choice) {
      updater = choice;
      return this;
    }

    /**
     * Chooses the type of parameters and activations.
     *
     * @param type a floating point type
     * @return this builder
     */
    public Builder dataType(DataType type) {
      dataType = type;
      return this;
    }

    /**
     * The choices made.
     *
     * @return the network's plan
     */
    public ResNet build() {
      return new ResNet(this);
    }
  }
}
