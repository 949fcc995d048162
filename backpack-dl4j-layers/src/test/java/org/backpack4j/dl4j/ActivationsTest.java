package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationGELU;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationThresholdedReLU;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class ActivationsTest {
  private static MultiLayerNetwork net(IActivation activation) {
    return Nets.sequential(
        InputType.feedForward(4),
        new DenseLayer.Builder().nOut(5).activation(activation).build(),
        new OutputLayer.Builder(LossFunction.MSE).nOut(2).activation(Activation.IDENTITY).build());
  }

  private static void check(IActivation activation) {
    INDArray features = Nets.random(5, 4).mul(3);
    // M2.1's own derivatives have constants in single precision
    Converted.of(net(activation), features, Nets.random(5, 2)).tolerance(1e-6).check();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "RRELU")
  void everyActivation(Activation activation) {
    check(activation.getActivationFunction());
  }

  static Stream<IActivation> settings() {
    return Stream.of(
        new ActivationLReLU(0.3),
        new ActivationReLU(0.5, null, null),
        new ActivationReLU(0.5, 0.0, 0.2),
        new ActivationReLU(null, null, 0.2),
        new ActivationThresholdedReLU(0.3));
  }

  @ParameterizedTest
  @MethodSource("settings")
  void settingsAreKept(IActivation activation) {
    check(activation);
  }

  static Stream<IActivation> refused() {
    return Stream.of(
        new ActivationELU(0.5),
        new ActivationGELU(true),
        new ActivationReLU(null, 0.3, 0.1),
        new ActivationReLU(0.0, null, null));
  }

  @ParameterizedTest
  @MethodSource("refused")
  void whatCannotBeHadIsRefused(IActivation activation) {
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net(activation)))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("layer \"0\" (DenseLayer)");
  }

  @Test
  void everyReasonIsToldAtOnce() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).activation(new ActivationELU(0.5)).build(),
            new DenseLayer.Builder().nOut(5).dropOut(0.5).build(),
            new OutputLayer.Builder(LossFunction.MSE).nOut(2).build());
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(net))
        .hasMessageContaining("layer \"0\" (DenseLayer): M2.1 trains ELU")
        .hasMessageContaining("layer \"1\" (DenseLayer): its input passes a Dropout")
        .hasMessageContaining("dropOut(1.0)");
  }
}
