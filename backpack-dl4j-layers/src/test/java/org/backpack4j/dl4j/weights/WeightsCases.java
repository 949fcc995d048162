package org.backpack4j.dl4j.weights;

import java.util.Random;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small models in double precision, and data for them. */
final class WeightsCases {
  private WeightsCases() {}

  static NeuralNetConfiguration.Builder builder(IUpdater updater) {
    return new NeuralNetConfiguration.Builder()
        .seed(3)
        .dataType(DataType.DOUBLE)
        .updater(updater)
        .activation(Activation.TANH);
  }

  /** y = x W. */
  static MultiLayerNetwork linear(int inputs, int outputs) {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            builder(new Sgd(0.1))
                .list()
                .layer(
                    new OutputLayer.Builder(LossFunction.MSE)
                        .nIn(inputs)
                        .nOut(outputs)
                        .hasBias(false)
                        .activation(Activation.IDENTITY)
                        .build())
                .build());
    net.init();
    return net;
  }

  /** Two layers with classes. */
  static MultiLayerNetwork classifier(IUpdater updater) {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            builder(updater)
                .l2(1e-2)
                .list()
                .layer(new DenseLayer.Builder().nIn(4).nOut(6).build())
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(6)
                        .nOut(3)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build());
    net.init();
    return net;
  }

  static INDArray random(long seed, int rows, int columns) {
    Random random = new Random(seed);
    INDArray array = Nd4j.zeros(DataType.DOUBLE, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        array.putScalar(r, c, random.nextGaussian());
      }
    }
    return array;
  }

  static DataSet classes(long seed, int samples) {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples, 3);
    for (int n = 0; n < samples; n++) {
      labels.putScalar(n, (n * 7 + n / 2) % 3, 1);
    }
    return new DataSet(random(seed, samples, 4), labels);
  }

  static DataSetIterator batches(DataSet all, int size) {
    return new ListDataSetIterator<>(all.asList(), size);
  }

  /** The least-squares solution. */
  static INDArray solution(INDArray x, INDArray y) {
    INDArray gram = x.transpose().mmul(x);
    return org.nd4j.linalg.inverse.InvertMatrix.invert(gram, false).mmul(x.transpose()).mmul(y);
  }
}
