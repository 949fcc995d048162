package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/** Depthwise and separable convolutions. */
class DepthwiseConvolutionRuleTest {

  private static Conv2DConfig config(
      String format, PaddingMode mode, int kH, int kW, int sH, int sW, int pH, int pW, int d) {
    return Conv2DConfig.builder()
        .kH(kH)
        .kW(kW)
        .sH(sH)
        .sW(sW)
        .pH(pH)
        .pW(pW)
        .dH(1)
        .dW(d)
        .paddingMode(mode)
        .dataFormat(format)
        .build();
  }

  private static long[] image(String format) {
    return format.equals("NHWC") ? new long[] {4, 3, 2} : new long[] {2, 4, 3};
  }

  @ParameterizedTest
  @CsvSource({
    // format, mode, multiplier, kernel, stride, padding, dilation, in both types
    "NCHW, VALID, 1, 2, 2, 1, 1, 0, 0, 1, true",
    "NHWC, VALID, 2, 2, 2, 2, 1, 1, 0, 1, true",
    "NCHW, SAME, 2, 3, 2, 2, 2, 0, 0, 1, true",
    "NHWC, SAME, 1, 2, 3, 1, 2, 0, 0, 1, true",
    "NCHW, VALID, 2, 2, 2, 3, 2, 1, 1, 2, false",
    "NHWC, VALID, 1, 1, 1, 1, 1, 0, 0, 1, true",
    "NCHW, VALID, 1, 5, 1, 1, 1, 2, 0, 1, true",
    "NHWC, SAME, 1, 1, 1, 3, 2, 0, 0, 1, false",
  })
  void depthwise(
      String format,
      PaddingMode mode,
      int multiplier,
      int kH,
      int kW,
      int sH,
      int sW,
      int pH,
      int pW,
      int d,
      boolean inFloat) {
    Nets.Body body =
        (sd, x, type) -> {
          SDVariable h = x.mul(sd.var("scale", Nets.random(type, 1, 1, 1, 1)));
          SDVariable w = sd.var("w", Nets.random(type, kH, kW, 2, multiplier));
          SDVariable b = sd.var("b", Nets.random(type, 2 * multiplier));
          return sd.cnn().depthWiseConv2d(h, w, b, config(format, mode, kH, kW, sH, sW, pH, pW, d));
        };
    if (inFloat) {
      Nets.checkBoth(image(format), body);
    } else {
      Nets.check(image(format), body);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "NCHW, VALID, true, 1, 2, 2, 1, 1, 0, 0, 1",
    "NHWC, SAME, true, 2, 3, 2, 2, 1, 0, 0, 1",
    "NHWC, VALID, true, 1, 2, 1, 1, 2, 1, 0, 2",
    "NCHW, SAME, false, 2, 2, 2, 1, 2, 0, 0, 1",
  })
  void separable(
      String format,
      PaddingMode mode,
      boolean pointwise,
      int multiplier,
      int kH,
      int kW,
      int sH,
      int sW,
      int pH,
      int pW,
      int d) {
    Nets.checkBoth(
        image(format),
        (sd, x, type) -> {
          SDVariable h = x.mul(sd.var("scale", Nets.random(type, 1, 1, 1, 1)));
          SDVariable w = sd.var("w", Nets.random(type, kH, kW, 2, multiplier));
          Conv2DConfig config = config(format, mode, kH, kW, sH, sW, pH, pW, d);
          if (!pointwise) {
            SDVariable b = sd.var("b", Nets.random(type, 2 * multiplier));
            return sd.cnn().separableConv2d(h, w, null, b, config);
          }
          SDVariable p = sd.var("p", Nets.random(type, 1, 1, 2 * multiplier, 3));
          return sd.cnn().separableConv2d(h, w, p, sd.var("b", Nets.random(type, 3)), config);
        });
  }

  @Test
  void sharedWeightsAndImagesOfEveryTimeStep() {
    Conv2DConfig config = config("NHWC", PaddingMode.SAME, 2, 2, 1, 1, 0, 0, 1);
    Nets.check(
        new long[] {2, 2, 2, 2},
        (sd, x, type) -> {
          SDVariable w = sd.var("w", Nets.random(type, 2, 2, 2, 1));
          SDVariable h =
              sd.math().tanh(sd.cnn().depthWiseConv2d(x.reshape(-1, 2, 2, 2), w, config));
          return sd.cnn().depthWiseConv2d(h, w, config);
        });
  }

  @Test
  void pointwiseWeightsThatAreLeftOutAreRefused() {
    Throwable refusal =
        Nets.refusal(
            DataType.DOUBLE,
            new long[] {3, 3, 1},
            (sd, x, type) ->
                sd.cnn()
                    .separableConv2d(
                        x,
                        sd.var("w", Nets.random(type, 2, 2, 1, 2)),
                        sd.var("p", Nets.random(type, 1, 1, 2, 2)),
                        config("NHWC", PaddingMode.VALID, 2, 2, 1, 1, 0, 0, 1)));
    assertThat(refusal)
        .hasMessageContaining("leaves out the pointwise weights")
        .hasMessageContaining("depthWiseConv2d");
  }
}
