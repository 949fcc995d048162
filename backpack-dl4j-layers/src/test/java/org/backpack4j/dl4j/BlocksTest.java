package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.backpack4j.dl4j.blocks.Block;
import org.backpack4j.dl4j.blocks.Parallel;
import org.backpack4j.dl4j.blocks.ResNet;
import org.backpack4j.dl4j.blocks.SumModule;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class BlocksTest {
  private static Block convolution() {
    return Block.of(new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(2).build());
  }

  @Test
  void branchesAreAddedUp() {
    GraphBuilder graph = Nets.graph(InputType.convolutional(4, 4, 1));
    String first = convolution().addTo(graph, "first", "in");
    String sum =
        new Parallel(
                SumModule.vertex(), Block.sequence(convolution(), convolution()), Block.identity())
            .addTo(graph, "sum", first);
    graph
        .addLayer(
            "out",
            new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build(),
            sum)
        .setOutputs("out");
    ComputationGraph net = Nets.graph(graph);
    assertThat(net.paramTable())
        .containsKeys("first_W", "sum.branch.0.0_W", "sum.branch.0.1_b", "out_W");
    Converted.check(net, Nets.random(3, 1, 4, 4), Nets.classes(3, 3));
  }

  @Test
  void twoIdentitiesAreRefused() {
    GraphBuilder graph = Nets.graph(InputType.convolutional(4, 4, 1));
    assertThatThrownBy(
            () ->
                new Parallel(SumModule.vertex(), Block.identity(), Block.identity())
                    .addTo(graph, "sum", "in"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Two branches of \"sum\" are the identity");
  }

  private static ComputationGraph small(int depth, ResNet.Stem stem) {
    return ResNet.builder()
        .depth(depth)
        .stem(stem)
        .width(2)
        .inputShape(1, 8, 8)
        .numClasses(3)
        .dataType(DataType.DOUBLE)
        .build()
        .init();
  }

  @ParameterizedTest
  @ValueSource(ints = {18, 34, 50})
  void residualNetworksAreConverted(int depth) {
    ComputationGraph net = small(depth, ResNet.Stem.CIFAR);
    try (BackPackListener listener = new BackPackListener(new DiagGGNExact()).runningStatistics()) {
      net.setListeners(listener);
      net.fit(new DataSet(Nets.random(3, 1, 8, 8), Nets.classes(3, 3)));
      assertThat(listener.get("layer4.0.downsample.0_W", DiagGGNExact.class).rank()).isEqualTo(4);
    }
  }

  @Test
  void aLargeStemIsConverted() {
    Converted.of(small(18, ResNet.Stem.IMAGENET), Nets.random(3, 1, 8, 8), Nets.classes(3, 3))
        .coupled()
        .tolerance(1e-6)
        .check();
  }

  @Test
  void resNet18HasAsManyParametersAsThePapers() {
    long cifar =
        ResNet.builder()
            .stem(ResNet.Stem.CIFAR)
            .inputShape(3, 32, 32)
            .numClasses(10)
            .build()
            .init()
            .numParams();
    // torchvision's count for ten classes, a 3x3 stem, and the running statistics beside it
    assertThat(cifar).isEqualTo(11_173_962 + 2 * 4800);
  }

  @Test
  void anotherDepthIsRefused() {
    assertThatThrownBy(() -> ResNet.builder().depth(20).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("A ResNet has 18, 34 or 50 layers here, not 20");
  }

  @Test
  void anInputShapeHasThreeExtents() {
    assertThatThrownBy(() -> ResNet.builder().inputShape(8, 8).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("channels, height, width");
  }
}
