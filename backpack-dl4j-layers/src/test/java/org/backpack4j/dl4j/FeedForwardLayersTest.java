package org.backpack4j.dl4j;

import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class FeedForwardLayersTest {
  private static OutputLayer softmax(int classes) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(classes)
        .activation(Activation.SOFTMAX)
        .build();
  }

  @Test
  void dense() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            new DenseLayer.Builder().nOut(3).hasBias(false).build(),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void denseWithLayerNormalisation() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).hasLayerNorm(true).build(),
            softmax(3)),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void lossLayer() {
    Converted.check(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(3).build(),
            new LossLayer.Builder(LossFunction.MSE).activation(Activation.SIGMOID).build()),
        Nets.random(4, 4),
        Nets.random(4, 3));
  }

  static Stream<ConvolutionLayer.Builder> convolutions() {
    return Stream.of(
        new ConvolutionLayer.Builder(3, 3),
        new ConvolutionLayer.Builder(3, 2).stride(2, 1).padding(1, 0),
        new ConvolutionLayer.Builder(3, 3).convolutionMode(ConvolutionMode.Same),
        new ConvolutionLayer.Builder(3, 3).convolutionMode(ConvolutionMode.Same).stride(2, 2),
        new ConvolutionLayer.Builder(2, 2).dilation(2, 2),
        new ConvolutionLayer.Builder(2, 2).hasBias(false));
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void convolution(ConvolutionLayer.Builder layer) {
    Converted.check(
        Nets.sequential(InputType.convolutional(6, 5, 2), layer.nOut(3).build(), softmax(3)),
        Nets.random(3, 2, 6, 5),
        Nets.classes(3, 3));
  }

  static Stream<SubsamplingLayer.Builder> poolings() {
    return Stream.of(
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {2, 2}),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {3, 3})
            .stride(1, 1),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {3, 3})
            .stride(2, 2)
            .convolutionMode(ConvolutionMode.Same),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {3, 3})
            .stride(2, 2)
            .padding(1, 1),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG, new int[] {2, 2}),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG, new int[] {3, 3})
            .stride(2, 2)
            .padding(1, 1),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG, new int[] {3, 3})
            .stride(2, 2)
            .padding(1, 1)
            .avgPoolIncludePadInDivisor(true),
        new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.AVG, new int[] {3, 3})
            .stride(2, 2)
            .convolutionMode(ConvolutionMode.Same));
  }

  @ParameterizedTest
  @MethodSource("poolings")
  void subsampling(SubsamplingLayer.Builder layer) {
    Converted.check(
        Nets.sequential(
            InputType.convolutional(6, 6, 2),
            new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
            layer.build(),
            softmax(3)),
        Nets.random(3, 2, 6, 6),
        Nets.classes(3, 3));
  }

  @Test
  void rowsAsImages() {
    Converted.check(
        Nets.sequential(
            InputType.convolutionalFlat(5, 4, 2),
            new ConvolutionLayer.Builder(3, 3).nOut(2).build(),
            softmax(3)),
        Nets.random(3, 40),
        Nets.classes(3, 3));
  }

  @ParameterizedTest
  @EnumSource(ElementWiseVertex.Op.class)
  void elementWise(ElementWiseVertex.Op op) {
    Converted.check(
        Nets.graph(
            Nets.graph(InputType.feedForward(4))
                .addLayer("a", new DenseLayer.Builder().nOut(3).build(), "in")
                .addLayer("b", new DenseLayer.Builder().nOut(3).build(), "in")
                .addVertex("both", new ElementWiseVertex(op), "a", "b")
                .addLayer("out", softmax(3), "both")
                .setOutputs("out")),
        Nets.random(4, 4),
        Nets.classes(4, 3));
  }

  @Test
  void merge() {
    Converted.check(
        Nets.graph(
            Nets.graph(InputType.convolutional(5, 5, 1))
                .addLayer("a", new ConvolutionLayer.Builder(2, 2).nOut(2).build(), "in")
                .addLayer("b", new ConvolutionLayer.Builder(2, 2).nOut(1).build(), "in")
                .addVertex("both", new MergeVertex(), "a", "b")
                .addLayer("act", new ActivationLayer(Activation.SIGMOID), "both")
                .addLayer("out", softmax(3), "act")
                .setOutputs("out")),
        Nets.random(3, 1, 5, 5),
        Nets.classes(3, 3));
  }
}
