package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Converted networks on batches without a sample. */
class EmptyBatchTest {
  private static MultiLayerNetwork net(InputType input, Layer... layers) {
    NeuralNetConfiguration.ListBuilder list = new NeuralNetConfiguration.Builder().seed(1).list();
    for (Layer layer : layers) {
      list.layer(layer);
    }
    MultiLayerNetwork net = new MultiLayerNetwork(list.setInputType(input).build());
    net.init();
    return net;
  }

  private static OutputLayer classes() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static DenseLayer dense() {
    return new DenseLayer.Builder().nOut(4).activation(Activation.TANH).build();
  }

  private static Map<String, INDArray> none(
      ConvertedNetwork converted, INDArray features, INDArray labels) {
    return converted.feeds(new INDArray[] {features}, new INDArray[] {labels}, null, null);
  }

  private static INDArray empty(long... shape) {
    return Nd4j.create(DataType.FLOAT, shape);
  }

  private static void check(
      MultiLayerNetwork net, INDArray features, INDArray labels, Extension... extensions) {
    long[] part = Arrays.copyOfRange(features.shape(), 1, features.rank());
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(net, part);
    Map<String, INDArray> feeds = none(converted, features, labels);
    try (ExtendedGraph graph = converted.extend(extensions)) {
      Map<String, INDArray> results = graph.output(feeds, graph.outputNames());
      for (String name : graph.outputNames()) {
        long[] shape = graph.shape(name);
        boolean rows = shape.length > 0 && shape[0] < 0;
        if (rows) {
          shape[0] = 0;
        }
        assertThat(results.get(name).shape()).as(name).isEqualTo(shape);
        assertThat(results.get(name).isEmpty()).as(name).isEqualTo(rows);
        if (!rows) {
          assertThat(results.get(name).amaxNumber().doubleValue()).as(name).isZero();
        }
      }
      String first = graph.outputNames().get(0);
      assertThatThrownBy(() -> graph.sameDiff().output(feeds, first))
          .hasMessageContaining("fed no sample");
    }
    String loss = converted.sameDiff().getLossVariables().get(0);
    assertThatThrownBy(() -> converted.sameDiff().output(feeds, loss))
        .hasMessageContaining("fed no sample");
  }

  private static Extension[] all() {
    return new Extension[] {
      new BatchGrad(),
      new BatchL2Grad(),
      new SumGradSquared(),
      new Variance(),
      new DiagGGNExact(),
      new BatchDiagGGNExact(),
      new DiagGGNMC(1)
    };
  }

  @Test
  void perceptron() {
    check(net(InputType.feedForward(5), dense(), classes()), empty(0, 5), empty(0, 3), all());
  }

  @Test
  void squaredErrors() {
    OutputLayer output =
        new OutputLayer.Builder(LossFunction.MSE).nOut(2).activation(Activation.SIGMOID).build();
    check(net(InputType.feedForward(5), dense(), output), empty(0, 5), empty(0, 2), all());
  }

  @Test
  void images() {
    check(
        net(
            InputType.convolutional(6, 6, 2),
            new ConvolutionLayer.Builder(3, 3)
                .nOut(3)
                .convolutionMode(ConvolutionMode.Same)
                .activation(Activation.RELU)
                .build(),
            new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build(),
            classes()),
        empty(0, 2, 6, 6),
        empty(0, 3),
        all());
  }

  @Test
  void batchNormalisation() {
    check(
        net(InputType.feedForward(5), dense(), new BatchNormalization(), classes()),
        empty(0, 5),
        empty(0, 3),
        new BatchGrad(),
        new SumGradSquared());
  }

  @Test
  void series() {
    check(
        net(
            InputType.recurrent(3, 4),
            new LSTM.Builder().nOut(2).build(),
            new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build()),
        empty(0, 3, 4),
        empty(0, 3, 4),
        all());
  }

  @Test
  void embedding() {
    check(
        net(
            InputType.feedForward(7),
            new EmbeddingLayer.Builder().nIn(7).nOut(2).build(),
            classes()),
        empty(0, 1),
        empty(0, 3),
        all());
  }

  @Test
  void meansAreNotDefined() {
    MultiLayerNetwork net = net(InputType.feedForward(5), dense(), classes());
    ConvertedNetwork converted = Dl4jConverter.on(net).scale(Scale.MEAN).convert();
    Map<String, INDArray> feeds = none(converted, empty(0, 5), empty(0, 3));
    try (ExtendedGraph graph = converted.extend(new BatchGrad())) {
      assertThatThrownBy(() -> graph.output(feeds, List.of("0_W.grad")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no sample");
    }
  }
}
