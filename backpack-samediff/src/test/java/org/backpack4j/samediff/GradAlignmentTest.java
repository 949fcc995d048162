package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.GradAlignment;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;

class GradAlignmentTest {
  private static final int N = 4;

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(3);
  }

  private static SameDiff network() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 5, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable k = sd.var("k", Nd4j.randn(DataType.DOUBLE, 2, 2, 2, 3));
    SDVariable b = sd.var("b", Nd4j.randn(DataType.DOUBLE, 3));
    SDVariable w = sd.var("w", Nd4j.randn(DataType.DOUBLE, 48, 3));
    SDVariable maps =
        sd.cnn().conv2d(x, k, b, Conv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).build());
    SDVariable rows = sd.reshape(sd.math().tanh(maps), -1, 48);
    sd.loss().softmaxCrossEntropy("loss", y, rows.mmul(w), null);
    return sd;
  }

  private static Map<String, INDArray> feeds(int samples) {
    INDArray y = Nd4j.zeros(DataType.DOUBLE, samples, 3);
    for (int n = 0; n < samples; n++) {
      y.putScalar(n, n % 3, 1);
    }
    return Map.of("x", Nd4j.randn(DataType.DOUBLE, samples, 2, 5, 5), "y", y);
  }

  /** By each sample's gradient, a sample at a time too. */
  @Test
  void isTheProductOfRowsWithTheirSum() {
    SameDiff sd = network();
    for (int samples : new int[] {N, 1}) {
      for (long budget : new long[] {1L << 30, 1}) {
        try (ExtendedGraph graph =
            BackPack.on(sd).memoryBudget(budget).extend(new BatchGrad(), new GradAlignment())) {
          Map<String, INDArray> out = graph.output(feeds(samples), graph.outputNames());
          INDArray all = Nd4j.zeros(DataType.DOUBLE, samples);
          for (String p : new String[] {"k", "b", "w"}) {
            INDArray rows = out.get(p + ".grad_batch").reshape(samples, -1);
            INDArray products = rows.mmul(rows.sum(0).reshape(-1, 1)).reshape(samples);
            assertThat(out.get(p + ".grad_alignment").equalsWithEps(products, 1e-12)).isTrue();
            all.addi(products);
          }
          assertThat(out.get("grad_alignment").equalsWithEps(all, 1e-12)).isTrue();
        }
      }
    }
  }

  @Test
  void runsInEveryWay() {
    SameDiff sd = network();
    Map<String, INDArray> feeds = feeds(N);
    Checked.check(
        sd,
        feeds,
        BackPack.on(sd),
        org.backpack4j.samediff.check.BruteForce.on(sd, feeds),
        new BatchGrad(),
        new GradAlignment());
  }
}
