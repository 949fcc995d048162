package org.backpack4j.dl4j;

import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.CapsuleLayer;
import org.deeplearning4j.nn.conf.layers.CapsuleStrengthLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.PrimaryCapsules;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Capsules, SameDiff layers that come with DL4J. */
class CapsulesTest {
  @Test
  void capsulesAreInlined() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(6, 6, 1),
            new PrimaryCapsules.Builder(2, 2).kernelSize(3, 3).stride(2, 2).build(),
            new CapsuleLayer.Builder(3, 2, 2).build(),
            new CapsuleStrengthLayer.Builder().build(),
            new LossLayer.Builder(LossFunction.MCXENT).activation(Activation.SOFTMAX).build());
    Converted.of(net, Nets.random(3, 1, 6, 6), Nets.classes(3, 3)).againstBruteForce().check();
  }
}
