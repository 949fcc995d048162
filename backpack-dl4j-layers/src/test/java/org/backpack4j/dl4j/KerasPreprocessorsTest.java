package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.preprocessors.KerasFlattenRnnPreprocessor;
import org.deeplearning4j.preprocessors.PermutePreprocessor;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Preprocessors that imports of Keras models leave in a network. */
class KerasPreprocessorsTest {
  private static final int N = 3;

  private static OutputLayer output(int in) {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nIn(in)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  /** Layers one after the other, one of them behind the preprocessor; DL4J infers nothing. */
  private static ComputationGraph net(InputPreProcessor preprocessor, int at, Layer... layers) {
    GraphBuilder builder = Nets.builder().graphBuilder().addInputs("in");
    for (int k = 0; k < layers.length; k++) {
      String below = k == 0 ? "in" : "layer" + (k - 1);
      builder.addLayer("layer" + k, layers[k], k == at ? preprocessor : null, below);
    }
    return Nets.graph(builder.setOutputs("layer" + (layers.length - 1)));
  }

  private static Layer dense(int in, int out) {
    return new DenseLayer.Builder().nIn(in).nOut(out).build();
  }

  private static void check(ComputationGraph net, INDArray x) {
    Converted.check(net, x, Nets.classes(N, 3));
  }

  @Test
  void flattenedSeries() {
    Layer lstm = new LSTM.Builder().nIn(2).nOut(3).build();
    check(net(new KerasFlattenRnnPreprocessor(3, 4), 1, lstm, output(12)), Nets.random(N, 2, 4));
  }

  @Test
  void rowsAsSeries() {
    for (boolean withSamples : new boolean[] {true, false}) {
      long[] from = withSamples ? new long[] {1, 6} : new long[] {6};
      long[] to = withSamples ? new long[] {1, 2, 3} : new long[] {2, 3};
      InputPreProcessor reshape = new ReshapePreprocessor(from, to, withSamples);
      Layer lstm = new LSTM.Builder().nIn(2).nOut(2).build();
      Layer last = new GlobalPoolingLayer.Builder(PoolingType.AVG).build();
      check(net(reshape, 1, dense(4, 6), lstm, last, output(2)), Nets.random(N, 4));
    }
  }

  @Test
  void rowsAsImages() {
    InputPreProcessor reshape =
        new ReshapePreprocessor(new long[] {12}, new long[] {1, 3, 4}, false);
    Layer conv = new ConvolutionLayer.Builder(2, 2).nIn(1).nOut(2).build();
    Layer pool = new GlobalPoolingLayer.Builder(PoolingType.MAX).build();
    check(net(reshape, 1, dense(4, 12), conv, pool, output(2)), Nets.random(N, 4));
  }

  @Test
  void exchangedAxes() {
    Layer lstm = new LSTM.Builder().nIn(2).nOut(3).build();
    Layer other = new LSTM.Builder().nIn(4).nOut(2).build();
    Layer last = new GlobalPoolingLayer.Builder(PoolingType.AVG).build();
    check(
        net(new PermutePreprocessor(2, 1), 1, lstm, other, last, output(2)), Nets.random(N, 2, 4));
  }

  @Test
  void whatDoesNotFitIsRefused() {
    Layer lstm = new LSTM.Builder().nIn(2).nOut(3).build();
    ComputationGraph flat = net(new KerasFlattenRnnPreprocessor(3, 5), 1, lstm, output(15));
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(flat, new long[] {2, 4}))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("its input has the shape [N, 3, 4], not 15 entries");
    ComputationGraph turned = net(new PermutePreprocessor(1, 0, 2), 1, lstm, output(3));
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(turned, new long[] {2, 4}))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("let it permute all axes but the samples'");
  }
}
