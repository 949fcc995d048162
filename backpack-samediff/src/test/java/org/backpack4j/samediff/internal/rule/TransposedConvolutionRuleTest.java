package org.backpack4j.samediff.internal.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ops.impl.layers.convolution.DeConv2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv3DConfig;

class TransposedConvolutionRuleTest {

  /** The op with a weights format, for which SameDiff's configuration has no field. */
  private static SDVariable deconv2d(
      SameDiff sd, SDVariable x, SDVariable w, SDVariable b, DeConv2DConfig config, int format) {
    DeConv2D op = new DeConv2D(sd, new SDVariable[] {x, w, b}, config);
    op.addIArgument(format);
    return op.outputVariable();
  }

  @ParameterizedTest
  @CsvSource({
    // format, same, weights format, kernel, stride, padding, dilation
    "NCHW, false, 0, 2, 3, 1, 1, 0, 1, 1, 1",
    "NHWC, false, 0, 3, 2, 2, 1, 1, 0, 1, 2",
    "NCHW, true, 0, 3, 2, 2, 1, 0, 0, 1, 1",
    "NHWC, true, 0, 2, 3, 1, 2, 0, 0, 2, 1",
    "NCHW, false, 0, 1, 2, 3, 3, 0, 0, 1, 1",
    "NHWC, true, 0, 1, 1, 2, 3, 0, 0, 1, 1",
    "NCHW, false, 1, 2, 2, 2, 1, 1, 0, 1, 1",
    "NHWC, false, 2, 2, 2, 1, 2, 0, 1, 1, 1",
    "NCHW, false, 0, 4, 2, 1, 1, 2, 0, 1, 1",
  })
  void deconv2d(
      String format,
      boolean same,
      int weights,
      int kH,
      int kW,
      int sH,
      int sW,
      int pH,
      int pW,
      int dH,
      int dW) {
    boolean last = format.equals("NHWC");
    DeConv2DConfig config =
        DeConv2DConfig.builder()
            .kH(kH)
            .kW(kW)
            .sH(sH)
            .sW(sW)
            .pH(pH)
            .pW(pW)
            .dH(dH)
            .dW(dW)
            .isSameMode(same)
            .dataFormat(format)
            .build();
    Nets.checkBoth(
        last ? new long[] {3, 2, 2} : new long[] {2, 3, 2},
        (sd, x, type) -> {
          SDVariable h = x.mul(sd.var("scale", Nets.random(type, 1, 1, 1, 1)));
          SDVariable w =
              sd.var(
                  "w",
                  switch (weights) {
                    case 0 -> Nets.random(type, kH, kW, 1, 2);
                    case 1 -> Nets.random(type, 2, 1, kH, kW);
                    default -> Nets.random(type, 2, kH, kW, 1);
                  });
          SDVariable b = sd.var("b", Nets.random(type, 1));
          return weights == 0
              ? sd.cnn().deconv2d(h, w, b, config)
              : deconv2d(sd, h, w, b, config, weights);
        });
  }

  @ParameterizedTest
  @CsvSource({
    "NCDHW, false, 2, 1, 2, 1, 1, 1, 0, 0, 1, 1, 1, 1",
    "NDHWC, false, 2, 2, 1, 2, 1, 1, 1, 0, 0, 1, 1, 1",
    "NCDHW, true, 1, 2, 3, 1, 2, 1, 0, 0, 0, 1, 1, 1",
    "NDHWC, true, 2, 1, 1, 1, 1, 2, 0, 0, 0, 2, 1, 1",
  })
  void deconv3d(
      String format,
      boolean same,
      int kD,
      int kH,
      int kW,
      int sD,
      int sH,
      int sW,
      int pD,
      int pH,
      int pW,
      int dD,
      int dH,
      int dW) {
    boolean last = format.equals("NDHWC");
    DeConv3DConfig config =
        DeConv3DConfig.builder()
            .kD(kD)
            .kH(kH)
            .kW(kW)
            .sD(sD)
            .sH(sH)
            .sW(sW)
            .pD(pD)
            .pH(pH)
            .pW(pW)
            .dD(dD)
            .dH(dH)
            .dW(dW)
            .isSameMode(same)
            .dataFormat(format)
            .build();
    Nets.checkBoth(
        last ? new long[] {2, 1, 2, 2} : new long[] {2, 2, 1, 2},
        (sd, x, type) -> {
          SDVariable h = x.mul(sd.var("scale", Nets.random(type, 1, 1, 1, 1, 1)));
          SDVariable w = sd.var("w", Nets.random(type, kD, kH, kW, 1, 2));
          return sd.cnn().deconv3d(h, w, sd.var("b", Nets.random(type, 1)), config);
        });
  }

  @Test
  void anAutoencoderThatSharesItsKernel() {
    DeConv2DConfig up = DeConv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).dataFormat("NCHW").build();
    Nets.check(
        new long[] {1, 3, 3},
        (sd, x, type) -> {
          SDVariable w = sd.var("w", Nets.random(type, 2, 2, 1, 2));
          SDVariable code =
              sd.math().tanh(sd.cnn().conv2d(x, w, Conv2DConfig.builder().kH(2).kW(2).build()));
          return sd.cnn().deconv2d(code, w, up);
        });
  }

  @Test
  void imagesOfEveryTimeStep() {
    DeConv2DConfig config =
        DeConv2DConfig.builder().kH(2).kW(2).sH(2).sW(2).dataFormat("NHWC").build();
    Nets.check(
        new long[] {2, 2, 1, 2},
        (sd, x, type) -> {
          SDVariable scale = sd.var("scale", Nets.random(type, 1, 1, 1, 1));
          SDVariable frames = x.reshape(-1, 2, 1, 2).mul(scale);
          return sd.cnn()
              .deconv2d(
                  frames,
                  sd.var("w", Nets.random(type, 2, 2, 1, 2)),
                  sd.var("b", Nets.random(type, 1)),
                  config);
        });
  }
}
