package org.backpack4j.examples;

import org.backpack4j.examples.data.LabelledImages;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Images as rows, and a network of dense layers for them. */
final class DenseImages {
  private DenseImages() {}

  static DataSet data(LabelledImages images) {
    long count = images.images().size(0);
    return new DataSet(images.images().reshape('c', count, pixels()), images.labels());
  }

  static int pixels() {
    return LabelledImages.SIZE * LabelledImages.SIZE;
  }

  static MultiLayerNetwork network() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Adam(1e-3))
                .activation(Activation.TANH)
                .list()
                .layer(new DenseLayer.Builder().nIn(pixels()).nOut(100).build())
                .layer(new DenseLayer.Builder().nIn(100).nOut(50).build())
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(50)
                        .nOut(LabelledImages.CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build());
    net.init();
    return net;
  }

  static double accuracy(MultiLayerNetwork net, DataSet test) {
    return net.evaluate(new ListDataSetIterator<>(test.asList(), 500)).accuracy();
  }
}
