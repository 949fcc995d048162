package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Networks in half precision under the listener. */
class HalfPrecisionNetworkTest {
  private static final Extension[] ALL = {
    new BatchGrad(), new BatchL2Grad(), new Variance(), new DiagGGNExact(), new DiagGGNMC(1)
  };

  /** The quantities are those of the same network in double precision. */
  @ParameterizedTest
  @ValueSource(strings = {"MCXENT", "MSE"})
  void isListenedTo(LossFunction loss) {
    MultiLayerNetwork half =
        network(new DenseLayer.Builder().nIn(5).nOut(4).activation(Activation.TANH).build(), loss);
    MultiLayerNetwork exact = half.convertDataType(DataType.DOUBLE);
    INDArray x = Nd4j.linspace(-1, 1, 30, DataType.DOUBLE).reshape(6, 5).castTo(DataType.FLOAT16);
    INDArray y = Nd4j.eye(3).castTo(DataType.FLOAT16).getRows(0, 1, 2, 0, 1, 1);
    Map<String, INDArray> results = step(half, new DataSet(x, y));
    Map<String, INDArray> wanted =
        step(exact, new DataSet(x.castTo(DataType.DOUBLE), y.castTo(DataType.DOUBLE)));
    assertThat(results).containsOnlyKeys(wanted.keySet());
    results.forEach(
        (name, array) -> {
          INDArray expected = wanted.get(name);
          double off = array.castTo(DataType.DOUBLE).sub(expected).norm2Number().doubleValue();
          assertThat(off / expected.norm2Number().doubleValue()).as(name).isLessThan(2e-2);
        });
  }

  /** The features are of the network's type, and name other rows. */
  @Test
  void tablesWithMoreRowsThanItCountsAreRefused() {
    MultiLayerNetwork net =
        network(new EmbeddingLayer.Builder().nIn(6000).nOut(4).build(), LossFunction.MCXENT);
    INDArray x = Nd4j.createFromArray(3., 17, 5).reshape(3, 1).castTo(DataType.FLOAT16);
    assertThatThrownBy(() -> step(net, new DataSet(x, Nd4j.eye(3).castTo(DataType.FLOAT16))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("HALF, which counts to 2048")
        .hasMessageContaining("single precision");
  }

  private static MultiLayerNetwork network(Layer first, LossFunction loss) {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .dataType(DataType.FLOAT16)
                .seed(3)
                .updater(new Sgd(0.1))
                .list()
                .layer(first)
                .layer(
                    new OutputLayer.Builder(loss)
                        .nIn(4)
                        .nOut(3)
                        .activation(
                            loss == LossFunction.MSE ? Activation.IDENTITY : Activation.SOFTMAX)
                        .build())
                .build());
    net.init();
    return net;
  }

  private static Map<String, INDArray> step(MultiLayerNetwork net, DataSet data) {
    try (BackPackListener listener = new BackPackListener(ALL)) {
      net.setListeners(listener);
      net.fit(data);
      return listener.latest().quantities().outputs();
    }
  }
}
