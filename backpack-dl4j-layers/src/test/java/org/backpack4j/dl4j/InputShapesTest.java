package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.BatchGrad;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** What a configuration tells about the shapes of inputs, before there is a batch. */
class InputShapesTest {
  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MSE).nOut(2).build();
  }

  private static Arguments of(String shape, InputType input, Layer... layers) {
    return Arguments.of(shape, Nets.sequential(input, layers));
  }

  static Stream<Arguments> known() {
    InputType rows = InputType.feedForward(3);
    return Stream.of(
        of("[-1, 3]", rows, output()),
        of("[-1, 3]", rows, new DenseLayer.Builder().nOut(3).build(), output()),
        of("[-1, 3]", rows, new AutoEncoder.Builder().nOut(3).build(), output()),
        of("[-1, 3]", rows, new CenterLossOutputLayer.Builder(LossFunction.MSE).nOut(2).build()),
        of(
            "[-1, 3]",
            rows,
            new VariationalAutoencoder.Builder()
                .nOut(2)
                .encoderLayerSizes(3)
                .decoderLayerSizes(3)
                .build(),
            output()),
        of(
            "[-1, 3]",
            rows,
            new ElementWiseMultiplicationLayer.Builder().nIn(3).nOut(3).build(),
            output()),
        of("[-1, 1]", rows, new EmbeddingLayer.Builder().nIn(3).nOut(2).build(), output()),
        of("[-1, 2, 3, 4]", InputType.convolutional(3, 4, 2), output()),
        of("[-1, 3, 4, 2]", InputType.convolutional(3, 4, 2, CNN2DFormat.NHWC), output()),
        of(
            "[-1, 24]",
            InputType.convolutionalFlat(3, 4, 2),
            new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
            output()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("known")
  void whatTheConfigurationTells(String shape, MultiLayerNetwork net) {
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(net);
    assertThat(Arrays.toString(converted.sameDiff().getVariable("input").placeholderShape()))
        .isEqualTo(shape);
  }

  /** Checked as far as it goes: the network's configuration alone. */
  @Test
  void imagesThatAConvolutionReadsMayBeOfAnySize() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(5, 5, 1),
            new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
            output());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("name it by Dl4jConverter.on(net).inputShapes(…)");
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      listener.check(net);
    }
  }
}
