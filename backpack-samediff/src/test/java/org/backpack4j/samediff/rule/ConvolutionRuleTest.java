package org.backpack4j.samediff.rule;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.Checked;
import org.backpack4j.samediff.graph.Walk;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;

class ConvolutionRuleTest {
  private static INDArray random(long... shape) {
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4);
  }

  @ParameterizedTest
  @CsvSource({
    "NCHW, VALID, YXIO, 2, 1, 1, 0, 1, 2",
    "NCHW, SAME, OIYX, 2, 1, 0, 0, 1, 2",
    "NCHW, VALID, OYXI, 1, 2, 1, 1, 1, 1",
    "NHWC, VALID, YXIO, 2, 1, 1, 0, 2, 1",
    "NHWC, SAME, YXIO, 1, 2, 0, 0, 1, 1",
    "NHWC, SAME, OIYX, 3, 1, 0, 0, 1, 1",
  })
  void conv2d(
      String format,
      PaddingMode mode,
      WeightsFormat weights,
      int sH,
      int sW,
      int pH,
      int pW,
      int dH,
      int dW) {
    Nd4j.getRandom().setSeed(7);
    boolean last = format.equals("NHWC");
    SameDiff sd = SameDiff.create();
    long[] shape = last ? new long[] {-1, 6, 5, 2} : new long[] {-1, 2, 6, 5};
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, shape);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w =
        sd.var(
            "w",
            switch (weights) {
              case YXIO -> random(3, 2, 2, 3);
              case OIYX -> random(3, 2, 3, 2);
              case OYXI -> random(3, 3, 2, 2);
            });
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(3)
            .kW(2)
            .sH(sH)
            .sW(sW)
            .pH(pH)
            .pW(pW)
            .dH(dH)
            .dW(dW)
            .paddingMode(mode)
            .dataFormat(format)
            .weightsFormat(weights)
            .build();
    SDVariable c = sd.cnn().conv2d("c", x, w, sd.var("b", random(3)), config);
    INDArray feed = last ? random(4, 6, 5, 2) : random(4, 2, 6, 5);
    long features = Walk.run(sd, Map.of("x", feed), List.of("c")).get("c").length() / 4;
    SDVariable z = sd.math().tanh(c).reshape(-1, features).mmul(sd.var("v", random(features, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, 4, 3);
    for (int n = 0; n < 4; n++) {
      labels.putScalar(n, n % 3, 1);
    }
    Checked.check(sd, Map.of("x", feed, "y", labels));
  }
}
