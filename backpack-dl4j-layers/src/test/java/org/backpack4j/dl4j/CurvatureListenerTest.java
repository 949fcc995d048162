package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/** Factors and the Hessian of a network, by DL4J's names and in its layouts. */
class CurvatureListenerTest {
  private static final int N = 3;

  private static MultiLayerNetwork network() {
    return Nets.sequential(
        InputType.convolutional(4, 4, 2),
        new ConvolutionLayer.Builder(2, 2).nOut(3).activation(Activation.TANH).build(),
        new DenseLayer.Builder().nOut(4).activation(Activation.TANH).build(),
        new OutputLayer.Builder().nOut(3).activation(Activation.SOFTMAX).build());
  }

  private static DataSet batch() {
    return new DataSet(Nets.random(N, 2, 4, 4), Nets.classes(N, 3));
  }

  @Test
  void factorsAreInTheLayoutsOfTheLayers() {
    MultiLayerNetwork net = network();
    try (BackPackListener listener =
        new BackPackListener(new KFLR(), new KFACReduce(), new DiagHessian(), new SqrtGGNExact())) {
      net.setListeners(listener);
      net.fit(batch());
      Map<String, INDArray> out = listener.outputs();
      assertThat(out.get("0_W.kflr.B").shape()).containsExactly(3, 3);
      assertThat(out.get("0_W.kflr.A").shape()).containsExactly(8, 8); // channel, row, column
      assertThat(out.get("0_b.kflr.B").shape()).containsExactly(3, 3);
      assertThat(out.get("1_W.kfac_reduce.A").shape()).containsExactly(27, 27);
      assertThat(out.get("2_W.kfac_reduce.B").shape()).containsExactly(3, 3);
      assertThat(out.get("1_W.diag_h").shape()).containsExactly(27, 4);
      assertThat(out.get("2_W.sqrt_ggn_exact").shape()).containsExactly(2, N, 4, 3);
      KFLR kflr = new KFLR();
      assertThat(listener.latest(net).quantities().get("0_W", kflr, "B"))
          .isEqualTo(out.get("0_W.kflr.B"));
    }
  }

  /** Nobody feeds vectors to a listener. */
  @Test
  void productsAreRefused() {
    assertThatThrownBy(() -> new BackPackListener(new GGNProduct()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("ggn_vector_product")
        .hasMessageContaining("Dl4jConverter");
  }
}
