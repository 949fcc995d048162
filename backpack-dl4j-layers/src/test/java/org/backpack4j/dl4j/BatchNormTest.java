package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
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

  /** Deep networks multiply what the statistics are off by, which must not grow with the image. */
  @Test
  void statisticsOfManyPositionsRoundLittle() {
    MultiLayerNetwork exact =
        Nets.sequential(
            InputType.convolutional(80, 80, 2), new BatchNormalization.Builder().build(), output());
    MultiLayerNetwork rounded = exact.convertDataType(DataType.FLOAT);
    INDArray features = Nets.random(4, 2, 80, 80).addi(3).castTo(DataType.FLOAT);
    DataSet batch = new DataSet(features, Nets.classes(4, 3));
    ConvertedNetwork converted = Dl4jConverter.on(rounded).like(batch).convert();
    String name = converted.activations("0");
    INDArray actual = converted.sameDiff().output(converted.feeds(batch), name).get(name);
    INDArray expected = exact.feedForward(features.castTo(DataType.DOUBLE), true).get(1);
    assertThat(actual.dataType()).isEqualTo(DataType.FLOAT);
    assertThat(actual.castTo(DataType.DOUBLE).sub(expected).amaxNumber().doubleValue())
        .isLessThan(3e-6);
  }
}
