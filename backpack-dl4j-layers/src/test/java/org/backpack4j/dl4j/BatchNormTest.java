package org.backpack4j.dl4j;

import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class BatchNormTest {
  static Stream<BatchNormalization.Builder> normalisations() {
    return Stream.of(
        new BatchNormalization.Builder(),
        new BatchNormalization.Builder().useLogStd(false).eps(1e-3),
        new BatchNormalization.Builder().lockGammaBeta(true).gamma(1.5).beta(0.2));
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  @ParameterizedTest
  @MethodSource("normalisations")
  void ofImages(BatchNormalization.Builder layer) {
    Converted.of(
            Nets.sequential(
                InputType.convolutional(5, 5, 2),
                new ConvolutionLayer.Builder(2, 2).nOut(3).build(),
                layer.build(),
                output()),
            Nets.random(4, 2, 5, 5),
            Nets.classes(4, 3))
        .coupled()
        .check();
  }

  @ParameterizedTest
  @MethodSource("normalisations")
  void ofRows(BatchNormalization.Builder layer) {
    Converted.of(
            Nets.sequential(
                InputType.feedForward(5),
                new DenseLayer.Builder().nOut(4).build(),
                layer.build(),
                output()),
            Nets.random(4, 5),
            Nets.classes(4, 3))
        .coupled()
        .check();
  }
}
