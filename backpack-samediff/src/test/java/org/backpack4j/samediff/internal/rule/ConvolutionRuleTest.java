package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv1DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;

class ConvolutionRuleTest {

  private static long[] image(String format, long channels, long... spatial) {
    long[] shape = new long[spatial.length + 1];
    boolean last = format.endsWith("C");
    System.arraycopy(spatial, 0, shape, last ? 0 : 1, spatial.length);
    shape[last ? spatial.length : 0] = channels;
    return shape;
  }

  private static Conv2DConfig.Conv2DConfigBuilder square(String format, long k) {
    return Conv2DConfig.builder().kH(k).kW(k).dataFormat(format);
  }

  private static SDVariable weights(
      SameDiff sd, DataType type, WeightsFormat format, long kH, long kW, long in, long out) {
    return sd.var(
        "w",
        switch (format) {
          case YXIO -> Nets.random(type, kH, kW, in, out);
          case OIYX -> Nets.random(type, out, in, kH, kW);
          case OYXI -> Nets.random(type, out, kH, kW, in);
        });
  }

  @ParameterizedTest
  @CsvSource({
    // format, mode, weights, kernel, stride, padding, dilation, in both types
    "NCHW, VALID, YXIO, 3, 2, 2, 1, 1, 0, 1, 1, true",
    "NCHW, SAME, OIYX, 3, 2, 2, 1, 0, 0, 1, 1, true",
    "NCHW, VALID, OYXI, 2, 2, 1, 2, 1, 1, 2, 1, false",
    "NHWC, VALID, YXIO, 3, 2, 2, 1, 1, 0, 1, 2, false",
    "NHWC, SAME, YXIO, 2, 2, 1, 2, 0, 0, 1, 1, true",
    "NHWC, SAME, OIYX, 2, 3, 3, 2, 0, 0, 1, 1, true",
    "NHWC, VALID, OYXI, 1, 1, 1, 1, 0, 0, 1, 1, true",
    "NCHW, VALID, YXIO, 1, 1, 2, 3, 0, 1, 1, 1, true",
    "NCHW, SAME, YXIO, 1, 2, 3, 3, 0, 0, 1, 1, false",
    "NHWC, VALID, YXIO, 5, 6, 1, 1, 2, 2, 1, 1, true",
    "NCHW, VALID, OIYX, 6, 6, 2, 2, 3, 3, 1, 1, true",
  })
  void conv2d(
      String format,
      PaddingMode mode,
      WeightsFormat weights,
      int kH,
      int kW,
      int sH,
      int sW,
      int pH,
      int pW,
      int dH,
      int dW,
      boolean inFloat) {
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(kH)
            .kW(kW)
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
    Nets.Body body =
        (sd, x, type) -> {
          SDVariable h = sd.math().mul(x, sd.var("scale", Nets.random(type, 1, 1, 1, 1)));
          SDVariable w = weights(sd, type, weights, kH, kW, 2, 2);
          return sd.cnn().conv2d(h, w, sd.var("b", Nets.random(type, 2)), config);
        };
    long[] sample = image(format, 2, 4, 3);
    if (inFloat) {
      Nets.checkBoth(sample, body);
    } else {
      Nets.check(sample, body); // M2.1 has no dilated convolution in float, where oneDNN is at work
    }
  }

  /**
   * Channels are split, each part has a kernel of its own, and what they answer is put together.
   */
  @ParameterizedTest
  @CsvSource({"NCHW, 1", "NHWC, 3"})
  void groups(String format, int channels) {
    Conv2DConfig config = square(format, 2).sH(2).paddingMode(PaddingMode.SAME).build();
    Nets.checkBoth(
        image(format, 4, 3, 2),
        (sd, x, type) -> {
          SDVariable h = sd.math().mul(x, sd.var("scale", Nets.random(type, 1, 1, 1, 1)));
          SDVariable[] parts = sd.split(h, 2, channels);
          for (int k = 0; k < 2; k++) {
            SDVariable w = sd.var("w" + k, Nets.random(type, 2, 2, 2, 1 + k));
            SDVariable b = sd.var("b" + k, Nets.random(type, 1 + k));
            parts[k] = sd.cnn().conv2d(parts[k], w, b, config);
          }
          return sd.concat(channels, parts);
        });
  }

  /** One kernel for all groups is split along with them. */
  @Test
  void groupsOfOneKernel() {
    Conv2DConfig config = square("NCHW", 2).build();
    Nets.checkBoth(
        image("NCHW", 4, 3, 2),
        (sd, x, type) -> {
          SDVariable[] kernels = sd.split(sd.var("w", Nets.random(type, 2, 2, 2, 4)), 2, 3);
          SDVariable[] parts = sd.split(sd.math().tanh(x), 2, 1);
          for (int k = 0; k < 2; k++) {
            parts[k] = sd.cnn().conv2d(parts[k], kernels[k], config);
          }
          return sd.nn().biasAdd(sd.concat(1, parts), sd.var("b", Nets.random(type, 4)), true);
        });
  }

  /** A kernel with many channels: input and weights' gradients come from one op. */
  @ParameterizedTest
  @CsvSource({"NCHW, VALID, 1", "NCHW, SAME, 2", "NHWC, SAME, 1", "NHWC, VALID, 2"})
  void manyChannels(String format, PaddingMode mode, int stride) {
    Conv2DConfig config = square(format, 2).sH(stride).sW(stride).paddingMode(mode).build();
    Nets.Body body =
        (sd, x, type) -> {
          SDVariable wide = Nets9.widen(sd, x, type, format);
          SDVariable c = sd.cnn().conv2d(wide, Nets9.kernel(sd, type), config);
          SDVariable back = sd.constant("narrow", Nets.random(type, 1, 1, 9, 1));
          return sd.cnn().conv2d(sd.math().tanh(c), back, square(format, 1).build());
        };
    long[] sample = image(format, 1, 3, 4);
    Nets.checkBoth(sample, body);
    Nets.checkGradient(DataType.DOUBLE, sample, body);
    Nets.checkGradient(DataType.FLOAT, sample, body);
  }

  /** Nine channels from and to one, with few parameters. */
  private static final class Nets9 {
    static SDVariable widen(SameDiff sd, SDVariable x, DataType type, String format) {
      SDVariable up = sd.constant("up", Nets.random(type, 1, 1, 1, 9));
      SDVariable scale = sd.var("scale", Nets.random(type, 1, 1, 1, 1));
      return sd.math().tanh(sd.cnn().conv2d(x.mul(scale), up, square(format, 1).build()));
    }

    /** A kernel [2, 2, 9, 9] of rank one in its channels. */
    static SDVariable kernel(SameDiff sd, DataType type) {
      SDVariable in = sd.var("in", Nets.random(type, 2, 2, 9, 1));
      return in.mul("kernel", sd.constant("out", Nets.random(type, 1, 1, 1, 9)));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "NCW, VALID, 3, 2, 1, 1, true",
    "NWC, VALID, 2, 1, 0, 2, false",
    "NCW, SAME, 3, 2, 0, 1, true",
    "NWC, SAME, 4, 1, 0, 1, true",
    "NCW, CAUSAL, 3, 1, 0, 1, true",
    "NWC, CAUSAL, 2, 2, 0, 2, false",
    "NCW, CAUSAL, 4, 1, 0, 2, false",
  })
  void conv1d(String format, PaddingMode mode, int k, int s, int p, int d, boolean inFloat) {
    Conv1DConfig config =
        Conv1DConfig.builder().k(k).s(s).p(p).d(d).paddingMode(mode).dataFormat(format).build();
    Nets.Body body =
        (sd, x, type) -> {
          SDVariable h = x.mul(sd.var("scale", Nets.random(type, 1, 1, 1)));
          SDVariable w = sd.var("w", Nets.random(type, k, 2, 2));
          return sd.cnn().conv1d(h, w, sd.var("b", Nets.random(type, 2)), config);
        };
    if (inFloat) {
      Nets.checkBoth(image(format, 2, 5), body);
    } else {
      Nets.check(image(format, 2, 5), body);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "NCDHW, VALID, 2, 2, 2, 1, 1, 1, 0, 0, 0, 1, 1, 1, true",
    "NDHWC, VALID, 2, 1, 2, 1, 2, 1, 1, 0, 1, 1, 1, 1, true",
    "NCDHW, SAME, 2, 2, 1, 2, 1, 2, 0, 0, 0, 1, 1, 1, true",
    "NDHWC, SAME, 1, 2, 2, 1, 1, 1, 0, 0, 0, 1, 1, 1, true",
    "NCDHW, VALID, 2, 1, 2, 1, 1, 1, 1, 0, 1, 2, 1, 2, false",
    "NDHWC, VALID, 3, 1, 1, 1, 1, 1, 2, 0, 0, 1, 1, 1, true",
  })
  void conv3d(
      String format,
      PaddingMode mode,
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
      int dW,
      boolean inFloat) {
    Conv3DConfig config =
        Conv3DConfig.builder()
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
            .paddingMode(mode)
            .dataFormat(format)
            .build();
    Nets.Body body =
        (sd, x, type) -> {
          SDVariable h = x.mul(sd.var("scale", Nets.random(type, 1, 1, 1, 1, 1)));
          SDVariable w = sd.var("w", Nets.random(type, kD, kH, kW, 2, 2));
          return sd.cnn().conv3d(h, w, sd.var("b", Nets.random(type, 2)), config);
        };
    if (inFloat) {
      Nets.checkBoth(image(format, 2, 3, 2, 3), body);
    } else {
      Nets.check(image(format, 2, 3, 2, 3), body);
    }
  }

  @Test
  void aKernelThatIsPermutedStaysAnOuterProduct() {
    Nets.check(
        image("NCHW", 2, 3, 3),
        (sd, x, type) -> {
          SDVariable w = sd.var("w", Nets.random(type, 2, 2, 2, 2)).permute(2, 3, 1, 0);
          return sd.cnn().conv2d(x, w, square("NCHW", 2).build());
        });
  }

  @Test
  void aSharedKernelAndDifferentPaddings() {
    Nets.check(
        image("NCHW", 1, 3, 3),
        (sd, x, type) -> {
          SDVariable w = sd.var("w", Nets.random(type, 3, 3, 1, 1));
          SDVariable h =
              sd.math().tanh(sd.cnn().conv2d(x, w, square("NCHW", 3).pH(1).pW(1).build()));
          SDVariable again =
              sd.math().tanh(sd.cnn().conv2d(h, w, square("NCHW", 3).pH(1).pW(1).build()));
          return sd.cnn().conv2d(again, w, square("NCHW", 3).sH(4).sW(4).pH(2).pW(2).build());
        });
  }

  @Test
  void aKernelThatIsComputed() {
    Nets.check(
        image("NHWC", 2, 3, 3),
        (sd, x, type) -> {
          INDArray mask = Nd4j.createFromArray(1.0, 0, 1, 1, 0, 1, 1, 1).castTo(type);
          SDVariable w = sd.var("w", Nets.random(type, 2, 2, 2, 1));
          SDVariable masked = w.mul(sd.constant("mask", mask.reshape(2, 2, 2, 1)));
          return sd.cnn().conv2d(x, masked, square("NHWC", 2).build());
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"NCHW", "NHWC"})
  void imagesOfEveryTimeStep(String format) {
    long[] frame = image(format, 1, 3, 3);
    Nets.check(
        new long[] {2, frame[0], frame[1], frame[2]},
        (sd, x, type) -> {
          SDVariable frames = x.reshape(-1, frame[0], frame[1], frame[2]);
          SDVariable h =
              sd.cnn()
                  .conv2d(
                      frames,
                      sd.var("w", Nets.random(type, 2, 2, 1, 2)),
                      sd.var("b", Nets.random(type, 2)),
                      square(format, 2).build());
          return sd.cnn()
              .conv2d(
                  sd.math().tanh(h),
                  sd.var("u", Nets.random(type, 2, 2, 2, 1)),
                  square(format, 2).build());
        });
  }

  /** An image that is itself a parameter, filtered and added to every sample. */
  @Test
  void anInputThatIsTheSameForAllSamples() {
    Nets.check(
        image("NCHW", 1, 2, 2),
        (sd, x, type) -> {
          SDVariable background = sd.var("background", Nets.random(type, 1, 1, 3, 3));
          SDVariable w = sd.var("w", Nets.random(type, 2, 2, 1, 1));
          SDVariable filtered = sd.cnn().conv2d(background, w, square("NCHW", 2).build());
          return x.mul(filtered);
        });
  }

  @Test
  void oneOpComputesTheGradientsOfInputAndKernel() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 9, 6, 6);
    SDVariable y = sd.placeHolder("y", DataType.FLOAT, -1, 3);
    SDVariable first = sd.var("first", Nets.random(DataType.FLOAT, 3, 3, 9, 16));
    SDVariable second = sd.var("second", Nets.random(DataType.FLOAT, 3, 3, 16, 9));
    SDVariable h = sd.math().tanh(sd.cnn().conv2d(x, first, square("NCHW", 3).build()));
    SDVariable c = sd.cnn().conv2d(h, second, square("NCHW", 3).build());
    SDVariable z = c.reshape(-1, 36).mmul(sd.var("v", Nets.random(DataType.FLOAT, 36, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    try (ExtendedGraph plain = BackPack.extend(sd);
        ExtendedGraph rows = BackPack.extend(sd, new BatchGrad())) {
      assertThat(ops(plain, "conv2d_bp")).isEqualTo(1); // the first layer's input needs none
      assertThat(ops(plain, "deconv2d")).isZero();
      assertThat(ops(rows, "conv2d_bp")).isZero(); // the gradient is the sum of samples' gradients
      Map<String, INDArray> feeds =
          Map.of(
              "x", Nets.random(DataType.FLOAT, 4, 9, 6, 6), "y", Nets.random(DataType.FLOAT, 4, 3));
      List<String> names = List.of("first.grad", "second.grad", "v.grad");
      Map<String, INDArray> one = plain.output(feeds, names);
      Map<String, INDArray> other = rows.output(feeds, names);
      Checked.compare("with and without rows", one, other);
    }
  }

  /** oneDNN takes long for the kernel's gradient there. */
  @Test
  void wideKernelsHaveTheirGradientByAProduct() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 1, 4, 4);
    SDVariable y = sd.placeHolder("y", DataType.FLOAT, -1, 3);
    SDVariable first = sd.var("first", Nets.random(DataType.FLOAT, 3, 3, 1, 290));
    SDVariable wide = sd.var("wide", Nets.random(DataType.FLOAT, 3, 3, 290, 290).muli(0.05));
    Conv2DConfig same = square("NCHW", 3).paddingMode(PaddingMode.SAME).build();
    SDVariable h = sd.math().tanh(sd.cnn().conv2d(x, first, same));
    SDVariable c = sd.math().tanh(sd.cnn().conv2d(h, wide, same)).mean(2, 3);
    SDVariable z = c.mmul(sd.var("v", Nets.random(DataType.FLOAT, 290, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    try (ExtendedGraph plain = BackPack.extend(sd);
        ExtendedGraph rows = BackPack.extend(sd, new BatchGrad())) {
      assertThat(ops(plain, "conv2d_bp")).isZero();
      Map<String, INDArray> feeds =
          Map.of(
              "x", Nets.random(DataType.FLOAT, 2, 1, 4, 4), "y", Nets.random(DataType.FLOAT, 2, 3));
      List<String> names = List.of("first.grad", "wide.grad");
      Checked.compare(
          "with and without rows", plain.output(feeds, names), rows.output(feeds, names));
    }
  }

  private static long ops(ExtendedGraph graph, String name) {
    return graph.sameDiff().getOps().values().stream()
        .filter(op -> op.getOp().opName().equals(name))
        .count();
  }

  @Test
  void aKernelWiderThanItsInputIsAnErrorBeforeAnythingRuns() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 3, 3, 2);
    SDVariable w = sd.var("w", Nets.random(DataType.FLOAT, 4, 4, 2, 2));
    SDVariable b = sd.var("b", Nets.random(DataType.FLOAT, 2));
    sd.cnn().conv2d("wide", x, w, b, square("NHWC", 4).build()).mean("loss");
    sd.setLossVariables("loss");
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"wide\" (conv2d)")
        .hasMessageContaining("spans 4 entries")
        .hasMessageContaining("axis 1")
        .hasMessageContaining("[2, 3, 3, 2]");
  }
}
