package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.SameDiffLoss;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossCosineProximity;
import org.nd4j.linalg.lossfunctions.impl.LossFMeasure;
import org.nd4j.linalg.lossfunctions.impl.LossHinge;
import org.nd4j.linalg.lossfunctions.impl.LossKLD;
import org.nd4j.linalg.lossfunctions.impl.LossL1;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMAPE;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossMSLE;
import org.nd4j.linalg.lossfunctions.impl.LossMixtureDensity;
import org.nd4j.linalg.lossfunctions.impl.LossMultiLabel;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;
import org.nd4j.linalg.lossfunctions.impl.LossPoisson;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSquaredHinge;
import org.nd4j.linalg.lossfunctions.impl.LossWasserstein;

class LossFunctionsTest {
  private static final int CLASSES = 3;

  private static INDArray weights() {
    return Nd4j.createFromArray(new double[] {0.5, 2, 1.5}).reshape(1, CLASSES);
  }

  private static INDArray oneHot() {
    return Nets.classes(4, CLASSES);
  }

  private static INDArray binary() {
    return Nets.random(4, CLASSES).gt(0).castTo(Nets.random(1).dataType());
  }

  private static INDArray real() {
    return Nets.random(4, CLASSES).mul(2);
  }

  private static INDArray signs() {
    return binary().mul(2).sub(1);
  }

  private static INDArray probabilities() {
    INDArray positive = positive();
    return positive.divColumnVector(positive.sum(true, 1));
  }

  private static INDArray positive() {
    return Nets.random(4, CLASSES).add(1.5);
  }

  private static INDArray numbers() {
    return Nd4j.createFromArray(new double[] {2, 0, 1, 1}).reshape(4, 1);
  }

  static Stream<Arguments> losses() {
    return Stream.of(
        Arguments.of(new LossMCXENT(), Activation.SOFTMAX, oneHot()),
        Arguments.of(new LossMCXENT(weights()), Activation.SOFTMAX, oneHot()),
        Arguments.of(new LossMCXENT(), Activation.SIGMOID, oneHot()),
        Arguments.of(new LossMCXENT(weights()), Activation.SIGMOID, oneHot()),
        Arguments.of(new LossNegativeLogLikelihood(), Activation.SOFTMAX, oneHot()),
        Arguments.of(new LossNegativeLogLikelihood(weights()), Activation.SOFTMAX, oneHot()),
        Arguments.of(new LossBinaryXENT(), Activation.SIGMOID, binary()),
        Arguments.of(new LossBinaryXENT(weights()), Activation.SIGMOID, binary()),
        Arguments.of(new LossBinaryXENT(), Activation.HARDSIGMOID, binary()),
        Arguments.of(new LossMSE(), Activation.IDENTITY, real()),
        Arguments.of(new LossMSE(weights()), Activation.TANH, real()),
        Arguments.of(new LossL2(), Activation.SOFTMAX, oneHot()),
        Arguments.of(new LossL2(weights()), Activation.IDENTITY, real()),
        Arguments.of(new LossL1(), Activation.TANH, real()),
        Arguments.of(new LossL1(weights()), Activation.IDENTITY, real()),
        Arguments.of(new LossMAE(weights()), Activation.SOFTPLUS, real()),
        Arguments.of(new LossHinge(), Activation.TANH, signs()),
        Arguments.of(new LossSquaredHinge(), Activation.TANH, signs()),
        Arguments.of(new LossKLD(), Activation.SOFTMAX, probabilities()),
        Arguments.of(new LossKLD(), Activation.SIGMOID, probabilities()),
        Arguments.of(new LossMAPE(), Activation.TANH, real()),
        Arguments.of(new LossMAPE(weights()), Activation.TANH, real()),
        Arguments.of(new LossMSLE(), Activation.SOFTPLUS, positive()),
        Arguments.of(new LossMSLE(weights()), Activation.SIGMOID, positive()),
        Arguments.of(new LossPoisson(), Activation.SOFTPLUS, positive()),
        Arguments.of(new LossCosineProximity(), Activation.TANH, real()),
        Arguments.of(new LossWasserstein(), Activation.TANH, signs()),
        Arguments.of(new LossSparseMCXENT(), Activation.SOFTMAX, numbers()),
        Arguments.of(new LossSparseMCXENT(weights()), Activation.SOFTMAX, numbers()));
  }

  private static MultiLayerNetwork net(ILossFunction loss, Activation activation) {
    return net(loss, activation, CLASSES);
  }

  private static MultiLayerNetwork net(ILossFunction loss, Activation activation, int outputs) {
    return Nets.sequential(
        InputType.feedForward(4),
        new DenseLayer.Builder().nOut(5).build(),
        new OutputLayer.Builder(loss).nOut(outputs).activation(activation).build());
  }

  private static void check(ILossFunction loss, Activation activation, MultiDataSet batch) {
    Converted check = Converted.of(net(loss, activation), batch);
    if (activation == Activation.HARDSIGMOID) {
      check.tolerance(1e-7); // M2.1's own derivative has its constants in single precision
    }
    if (loss instanceof LossL1
        || loss instanceof LossMAPE
        || loss instanceof LossHinge
        || loss instanceof LossWasserstein) {
      check.firstOrder(); // the second derivative is zero but for kinks
    }
    check.check();
  }

  @ParameterizedTest
  @MethodSource("losses")
  void everyLoss(ILossFunction loss, Activation activation, INDArray labels) {
    check(loss, activation, new MultiDataSet(Nets.random(4, 4), labels));
  }

  @ParameterizedTest
  @MethodSource("losses")
  void masksOfSamples(ILossFunction loss, Activation activation, INDArray labels) {
    INDArray mask = Nd4j.createFromArray(new double[] {1, 0, 1, 1}).reshape(4, 1);
    check(loss, activation, batch(labels, mask));
  }

  @ParameterizedTest
  @MethodSource("losses")
  void masksOfOutputs(ILossFunction loss, Activation activation, INDArray labels) {
    INDArray mask = Nets.random(4, CLASSES).gt(-0.3).castTo(labels.dataType());
    if (activation != Activation.SOFTMAX && !(loss instanceof LossCosineProximity)) {
      check(loss, activation, batch(labels, mask));
    }
  }

  // ---- losses whose rows are not sums over outputs ----

  private static final INDArray MASK =
      Nd4j.createFromArray(new double[] {1, 0, 1, 1}).reshape(4, 1);

  /** Of the third row all labels are positive, of the fourth none: they have no pairs. */
  @ParameterizedTest
  @EnumSource(
      value = Activation.class,
      names = {"SIGMOID", "IDENTITY"})
  void multiLabel(Activation activation) {
    INDArray labels =
        Nd4j.createFromArray(new double[][] {{1, 0, 1}, {0, 1, 0}, {1, 1, 1}, {0, 0, 0}});
    Nets.inDoublePrecision(
        () -> {
          for (INDArray mask : new INDArray[] {null, MASK}) {
            Converted.of(net(new LossMultiLabel(), activation), batch(labels, mask)).check();
          }
        });
  }

  @Test
  void mixtureDensity() {
    LossMixtureDensity loss = LossMixtureDensity.builder().gaussians(3).labelWidth(2).build();
    Nets.inDoublePrecision(
        () -> {
          for (INDArray mask : new INDArray[] {null, MASK}) {
            Converted.of(net(loss, Activation.IDENTITY, 12), batch(Nets.random(4, 2), mask))
                .check();
          }
        });
  }

  /** log cosh(y − a), as a loss of one's own. */
  private static final class LogCosh extends SameDiffLoss {
    private static final long serialVersionUID = 1L;

    @Override
    public SDVariable defineLoss(SameDiff sd, SDVariable output, SDVariable labels) {
      return sd.math().log(sd.math().cosh(labels.sub(output))).mean(1);
    }
  }

  @Test
  void sameDiffLossesAreInlined() {
    for (INDArray mask : new INDArray[] {null, MASK}) {
      Converted.of(net(new LogCosh(), Activation.TANH), batch(real(), mask)).check();
    }
  }

  @Test
  void fMeasureIsRefused() {
    assertThatThrownBy(
            () -> Dl4jConverter.toSameDiff(net(new LossFMeasure(), Activation.SIGMOID, 1)))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"1\" (OutputLayer): the F-measure is one number")
        .hasMessageContaining("use XENT or MCXENT");
  }

  /** DL4J compares the shapes of images and labels before its backward pass. */
  @Test
  void numbersOfClassesOfPixelsAreRefused() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(3, 3, 1),
            new ConvolutionLayer.Builder(2, 2).nOut(CLASSES).build(),
            new CnnLossLayer.Builder(new LossSparseMCXENT())
                .activation(Activation.SOFTMAX)
                .build());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net, new long[] {1, 3, 3}))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("cannot train with the numbers of classes");
  }

  /** Of volumes it takes them. */
  @Test
  void numbersOfClassesOfVoxels() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional3D(Convolution3D.DataFormat.NDHWC, 2, 2, 3, 1),
            new Convolution3D.Builder(1, 1, 2).nOut(CLASSES).build(),
            new Cnn3DLossLayer.Builder(Convolution3D.DataFormat.NCDHW)
                .lossFunction(new LossSparseMCXENT())
                .activation(Activation.SOFTMAX)
                .build());
    INDArray numbers = Nets.random(3, 1, 2, 2, 2).add(1).mul(1.4);
    Converted.check(net, Nets.random(3, 1, 2, 2, 3), Nd4j.math().floor(numbers));
  }

  /** An array of another shape is told, not laid out otherwise. */
  @Test
  void labelsThatDoNotFitAreTold() {
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(net(new LossMSE(), Activation.IDENTITY));
    assertThatThrownBy(() -> converted.feeds(new DataSet(Nets.random(6, 4), Nets.random(6, 2))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"1.labels\" has the shape [6, 2]; the graph was made for [N, 3]");
  }

  private static MultiDataSet batch(INDArray labels, INDArray mask) {
    return new MultiDataSet(
        new INDArray[] {Nets.random(4, 4)},
        new INDArray[] {labels},
        null,
        mask == null ? null : new INDArray[] {mask});
  }
}
