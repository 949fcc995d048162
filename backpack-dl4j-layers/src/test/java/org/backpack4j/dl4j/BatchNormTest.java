package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.stream.Stream;
import org.backpack4j.dl4j.internal.convert.Peculiarities;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
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

  /** None, one and both of the two at values that DL4J takes for nothing to do. */
  static Stream<Arguments> locked() {
    double[][] values = {{1, 0}, {2, 0}, {-2, 0}, {1, 0.3}, {0, 0.3}, {1.5, 0.2}, {0, 0}};
    return Arrays.stream(values)
        .flatMap(v -> Stream.of(true, false).map(rows -> Arguments.of(v[0], v[1], rows)));
  }

  private static MultiLayerNetwork locked(double gamma, double beta, boolean rows) {
    Layer below =
        rows
            ? new DenseLayer.Builder().nOut(4).build()
            : new ConvolutionLayer.Builder(2, 2).nOut(3).build();
    return Nets.sequential(
        rows ? InputType.feedForward(5) : InputType.convolutional(5, 5, 2),
        below,
        new BatchNormalization.Builder().lockGammaBeta(true).gamma(gamma).beta(beta).build(),
        output());
  }

  private static INDArray features(boolean rows) {
    return rows ? Nets.random(4, 5) : Nets.random(4, 2, 5, 5);
  }

  /** DL4J applies locked γ and β only if neither is the default. */
  @ParameterizedTest
  @MethodSource("locked")
  void lockedAsDl4jAppliesThem(double gamma, double beta, boolean rows) {
    MultiLayerNetwork net = locked(gamma, beta, rows);
    Converted check = Converted.of(net, features(rows), Nets.classes(4, 3)).coupled();
    // DL4J's gradient below is γ times the derivative of its score where β is 0
    (beta == 0 && gamma != 1 ? check.againstBruteForce() : check).check();
  }

  @ParameterizedTest
  @MethodSource("locked")
  void lockedInEvaluationMode(double gamma, double beta, boolean rows) {
    MultiLayerNetwork net = locked(gamma, beta, rows);
    DataSet batch = new DataSet(features(rows), Nets.classes(4, 3));
    net.fit(batch); // moves the running statistics
    ConvertedNetwork converted =
        Dl4jConverter.on(net).like(batch).statistics(BatchStatistics.RUNNING).convert();
    String name = converted.activations("1");
    INDArray actual = converted.sameDiff().output(converted.feeds(batch), name).get(name);
    INDArray expected = net.feedForward(batch.getFeatures(), false).get(2);
    assertThat(actual.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-12);
  }

  /** What the gradient is off by is told as what it is. */
  @Test
  void whatDl4jMultipliesBackwardsAloneIsNamed() {
    assertThat(Peculiarities.of(locked(2, 0, true), "0_W", false)).hasSize(1);
    assertThat(Peculiarities.of(locked(2, 0.1, true), "0_W", false)).isEmpty();
    assertThat(Peculiarities.of(locked(1, 0, true), "0_W", false)).isEmpty();
  }

  /** DL4J normalises time series within each sample, if there are as many as features. */
  @Test
  void ofTimeSeriesIsRefused() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(4, 3),
            new LSTM.Builder().nOut(4).build(),
            new BatchNormalization.Builder().build(),
            new RnnOutputLayer.Builder(LossFunction.MSE).nOut(2).build());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net, new long[] {4, 3}))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"1\" (BatchNormalization): its input has the shape [N, 4, 3]")
        .hasMessageContaining("RnnToFeedForwardPreProcessor");
  }

  @Test
  void ofVolumesIsRefused() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional3D(Convolution3D.DataFormat.NDHWC, 3, 3, 3, 2),
            new BatchNormalization.Builder().build(),
            output());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net, new long[] {2, 3, 3, 3}))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining(
            "layer \"0\" (BatchNormalization): its input has the shape [N, 2, 3, 3, 3]");
  }
}
