package org.backpack4j.examples.blocks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class BlocksTest {

  private static final INDArray IMAGES = Nd4j.rand(DataType.FLOAT, 2, 3, 7, 7);

  @Test
  void aSkipConnectionAddsWhatItSkips() {
    Network network = network(WeightLayout.PYTORCH);
    SDVariable x = network.batch("x", 3, 7, 7);
    Block skip = new Parallel(new SumModule(), new Identity(), new Identity(), new Identity());
    SDVariable y = skip.build(network, "sum", x);
    INDArray result = network.graph().output(Map.of("x", IMAGES), y.name()).get("sum");
    assertThat(result.equalsWithEps(IMAGES.mul(3), 1e-6)).isTrue();
  }

  @Test
  void bothLayoutsGiveTheSameNetwork() {
    INDArray first = resNet(WeightLayout.PYTORCH);
    INDArray second = resNet(WeightLayout.SAMEDIFF);
    assertThat(first.shape()).containsExactly(2, 5);
    assertThat(first.equalsWithEps(second, 1e-5)).isTrue();
  }

  private static INDArray resNet(WeightLayout layout) {
    Network network = network(layout);
    SDVariable x = network.batch("x", 3, 7, 7);
    new ResNet18(ResNet18.Stem.IMAGENET, 3, 5).build(network, "", x);
    return network.graph().output(Map.of("x", IMAGES), "fc").get("fc");
  }

  @Test
  void aSmallStemKeepsSmallImages() {
    Network network = network(WeightLayout.SAMEDIFF);
    SDVariable x = network.batch("x", 3, 7, 7);
    new ResNet18(ResNet18.Stem.CIFAR, 3, 10).build(network, "net", x);
    String name = "net.layer1.0.conv1";
    INDArray result = network.graph().output(Map.of("x", IMAGES), name).get(name);
    assertThat(result.shape()).containsExactly(2, 64, 7, 7);
    assertThat(network.parameters()).contains("net.layer4.1.bn2.bias", "net.fc.weight");
  }

  @Test
  void parametersAreUniformWithinTheFanIn() {
    Network network = network(WeightLayout.PYTORCH);
    new Linear(100, 7).build(network, "fc", network.batch("x", 100));
    INDArray weight = network.graph().getVariable("fc.weight").getArr();
    assertThat(weight.shape()).containsExactly(7, 100);
    assertThat(weight.amaxNumber().doubleValue()).isBetween(0.09, 0.1);
  }

  private static Network network(WeightLayout layout) {
    return new Network(layout, new UniformInitializer(0));
  }
}
