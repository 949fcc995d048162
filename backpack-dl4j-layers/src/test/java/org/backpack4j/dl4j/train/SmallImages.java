package org.backpack4j.dl4j.train;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Images [2, 4, 4] of three classes, and networks for them. */
final class SmallImages {
  private SmallImages() {}

  static OutputLayer softmax() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  static MultiLayerNetwork net(NeuralNetConfiguration.Builder builder) {
    return Nets.sequential(
        builder,
        InputType.convolutional(4, 4, 2),
        new ConvolutionLayer.Builder(2, 2).nOut(3).build(),
        new DenseLayer.Builder().nOut(4).build(),
        softmax());
  }

  static ComputationGraph graph(NeuralNetConfiguration.Builder builder) {
    ComputationGraph graph =
        new ComputationGraph(
            builder
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.convolutional(4, 4, 2))
                .addLayer("left", new ConvolutionLayer.Builder(2, 2).nOut(2).build(), "in")
                .addLayer("right", new ConvolutionLayer.Builder(2, 2).nOut(1).build(), "in")
                .addVertex("both", new MergeVertex(), "left", "right")
                .addLayer("out", softmax(), "both")
                .setOutputs("out")
                .build());
    graph.init();
    return graph;
  }

  static List<DataSet> batches(int... sizes) {
    List<DataSet> batches = new ArrayList<>();
    for (int size : sizes) {
      INDArray y = Nd4j.zeros(DataType.DOUBLE, size, 3);
      for (int n = 0; n < size; n++) {
        y.putScalar(n, n % 3, 1);
      }
      batches.add(new DataSet(Nd4j.randn(DataType.DOUBLE, size, 2, 4, 4), y));
    }
    return batches;
  }

  static void fit(Model net, DataSet batch) {
    if (net instanceof ComputationGraph graph) {
      graph.fit(batch);
    } else {
      ((MultiLayerNetwork) net).fit(batch);
    }
  }
}
