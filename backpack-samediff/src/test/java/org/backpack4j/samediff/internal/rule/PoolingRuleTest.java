package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D.Divisor;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D.Pooling2DType;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling3DConfig;
import org.nd4j.linalg.factory.Nd4j;

class PoolingRuleTest {

  private static Pooling2DConfig.Pooling2DConfigBuilder window(
      int kH, int kW, int sH, int sW, int pH, int pW) {
    return Pooling2DConfig.builder().kH(kH).kW(kW).sH(sH).sW(sW).pH(pH).pW(pW);
  }

  /** Every entry of the input with a factor of its own, so that each one's cotangent is seen. */
  private static SDVariable scaled(SameDiff sd, SDVariable x, DataType type, long... sample) {
    long[] shape = new long[sample.length + 1];
    System.arraycopy(sample, 0, shape, 1, sample.length);
    shape[0] = 1;
    return x.mul(sd.var("scale", Nets.random(type, shape)));
  }

  private static long[] sample(boolean last, long height, long width) {
    return last ? new long[] {height, width, 2} : new long[] {2, height, width};
  }

  private static SDVariable pool(
      SameDiff sd, SDVariable x, Pooling2DType kind, Pooling2DConfig config) {
    return switch (kind) {
      case MAX -> sd.cnn().maxPooling2d(x, config);
      case AVG -> sd.cnn().avgPooling2d(x, config);
      case PNORM -> {
        config.setType(Pooling2DType.PNORM);
        yield new Pooling2D(sd, new SDVariable[] {x}, config).outputVariable();
      }
    };
  }

  @ParameterizedTest
  @CsvSource({
    // kind, channels last, mode, kernel, stride, padding, dilation, extra
    "MAX, false, VALID, 2, 2, 2, 2, 0, 0, 1, 1, 0",
    "MAX, true, VALID, 3, 2, 2, 1, 1, 1, 1, 1, 0",
    "MAX, false, SAME, 3, 3, 2, 2, 0, 0, 1, 1, 0",
    "MAX, true, SAME, 2, 3, 1, 2, 0, 0, 1, 1, 0",
    "MAX, false, VALID, 1, 2, 2, 3, 0, 0, 1, 1, 0",
    "MAX, true, VALID, 2, 2, 1, 2, 1, 0, 2, 2, 0",
    "MAX, false, SAME, 1, 1, 3, 2, 0, 0, 1, 1, 0",
    "AVG, false, VALID, 2, 2, 2, 2, 0, 0, 1, 1, 0",
    "AVG, true, VALID, 3, 2, 2, 1, 1, 1, 1, 1, 0",
    "AVG, true, VALID, 3, 2, 2, 1, 1, 1, 1, 1, 1",
    "AVG, false, SAME, 3, 3, 2, 2, 0, 0, 1, 1, 0",
    "AVG, false, SAME, 3, 3, 2, 2, 0, 0, 1, 1, 1",
    "AVG, true, VALID, 2, 2, 1, 2, 1, 0, 2, 2, 0",
    "AVG, false, VALID, 4, 4, 1, 1, 0, 0, 1, 1, 0",
    "PNORM, false, VALID, 2, 2, 2, 1, 0, 1, 1, 1, 2",
    "PNORM, true, SAME, 3, 2, 2, 1, 0, 0, 1, 1, 3",
    "PNORM, false, VALID, 2, 3, 1, 1, 0, 1, 1, 1, 1",
  })
  void pooling2d(
      Pooling2DType kind,
      boolean last,
      PaddingMode mode,
      int kH,
      int kW,
      int sH,
      int sW,
      int pH,
      int pW,
      int dH,
      int dW,
      int extra) {
    Pooling2DConfig config =
        window(kH, kW, sH, sW, pH, pW)
            .dH(dH)
            .dW(dW)
            .paddingMode(mode)
            .isNHWC(last)
            .extra(extra)
            .divisor(extra == 1 ? Divisor.INCLUDE_PADDING : Divisor.EXCLUDE_PADDING)
            .build();
    long[] sample = sample(last, 4, 4);
    Nets.Body body = (sd, x, type) -> pool(sd, scaled(sd, x, type, sample), kind, config);
    if (dH * dW == 1) {
      Nets.checkBoth(sample, body);
    } else {
      Nets.check(sample, body); // M2.1 leaves the dilation out in float
    }
  }

  @ParameterizedTest
  @CsvSource({
    "true, false, false, 2, 2, 2, 2, 1, 2, 0, 0, 0",
    "true, true, false, 2, 1, 2, 1, 1, 1, 1, 0, 1",
    "true, false, true, 2, 2, 1, 2, 1, 1, 0, 0, 0",
    "false, false, false, 2, 2, 1, 1, 2, 1, 1, 0, 0",
    "false, true, true, 2, 2, 2, 2, 2, 1, 0, 0, 0",
  })
  void pooling3d(
      boolean max,
      boolean last,
      boolean same,
      int kD,
      int kH,
      int kW,
      int sD,
      int sH,
      int sW,
      int pD,
      int pH,
      int pW) {
    // M2.1 hands the configuration's width to the op as its height, and the other way round
    Pooling3DConfig config =
        Pooling3DConfig.builder()
            .kD(kD)
            .kH(kW)
            .kW(kH)
            .sD(sD)
            .sH(sW)
            .sW(sH)
            .pD(pD)
            .pH(pW)
            .pW(pH)
            .isSameMode(same)
            .isNCDHW(!last)
            .build();
    long[] sample = last ? new long[] {3, 2, 3, 2} : new long[] {2, 3, 2, 3};
    Nets.checkBoth(
        sample,
        (sd, x, type) -> {
          SDVariable h = scaled(sd, x, type, sample);
          return max ? sd.cnn().maxPooling3d(h, config) : sd.cnn().avgPooling3d(h, config);
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void imagesOfEveryTimeStep(boolean max) {
    Pooling2DConfig config = window(2, 2, 1, 2, 0, 0).isNHWC(true).build();
    Nets.check(
        new long[] {2, 3, 2, 2},
        (sd, x, type) -> {
          SDVariable frames = scaled(sd, x, type, 2, 3, 2, 2).reshape(-1, 3, 2, 2);
          return pool(sd, frames, max ? Pooling2DType.MAX : Pooling2DType.AVG, config);
        });
  }

  /** Long axes are placed by shifting and interleaving. */
  @ParameterizedTest
  @CsvSource({"MAX, 3, 2, 1, VALID", "MAX, 2, 3, 0, SAME", "AVG, 3, 2, 1, VALID"})
  void aLongAxis(Pooling2DType kind, int k, int s, int p, PaddingMode mode) {
    Pooling2DConfig config = window(1, k, 1, s, 0, p).paddingMode(mode).build();
    Nets.check(
        new long[] {1, 1, 270},
        (sd, x, type) ->
            pool(sd, x.mul(sd.var("scale", Nets.random(type, 1, 1, 1, 1))), kind, config));
  }

  /** Like SameDiff's own gradient: the first of several maxima, row by row, takes it all. */
  @ParameterizedTest
  @CsvSource({"2, 2, VALID", "3, 2, SAME", "3, 1, VALID"})
  void theFirstOfSeveralMaximaTakesTheSignal(int k, int s, PaddingMode mode) {
    for (DataType type : new DataType[] {DataType.DOUBLE, DataType.FLOAT}) {
      SameDiff sd = SameDiff.create();
      SDVariable x = sd.placeHolder("x", type, -1, 1, 6, 6);
      SDVariable w = sd.var("w", Nd4j.ones(type, 1, 1, 6, 6));
      SDVariable pooled =
          sd.cnn().maxPooling2d(x.mul(w), window(k, k, s, s, 0, 0).paddingMode(mode).build());
      pooled.mul(sd.constant("c", Nets.random(type, 1, 1, 1, 1))).sum("loss");
      sd.setLossVariables("loss");
      INDArray feed =
          Nd4j.rand(DataType.DOUBLE, 2, 1, 6, 6).muli(3).castTo(DataType.INT32).castTo(type);
      try (ExtendedGraph graph = BackPack.extend(sd)) {
        Map<String, INDArray> ours = graph.output(Map.of("x", feed), List.of("w.grad"));
        INDArray own = sd.calculateGradients(Map.of("x", feed), "w").get("w");
        assertThat(ours.get("w.grad").sub(own).amaxNumber().doubleValue()).isLessThan(1e-6);
      }
    }
  }

  @Test
  void windowsOfPaddingAloneAreRefused() {
    Pooling2DConfig config = window(1, 1, 1, 1, 1, 0).build();
    Throwable refusal =
        Nets.refusal(
            DataType.DOUBLE,
            new long[] {1, 2, 2},
            (sd, x, type) -> sd.cnn().maxPooling2d(scaled(sd, x, type, 1, 2, 2), config));
    assertThat(refusal).hasMessageContaining("nothing but padding");
  }

  @Test
  void dilationThatIsLeftOutIsRefused() {
    Pooling2DConfig config = window(2, 2, 1, 1, 0, 0).dH(2).build();
    Nets.Body body = (sd, x, type) -> sd.cnn().avgPooling2d(scaled(sd, x, type, 1, 3, 3), config);
    if (!DilatedPooling.isRight(DataType.FLOAT)) {
      assertThat(Nets.refusal(DataType.FLOAT, new long[] {1, 3, 3}, body))
          .hasMessageContaining("leaves out the dilation")
          .hasMessageContaining("double precision");
    }
    assertThat(DilatedPooling.isRight(DataType.DOUBLE)).isTrue();
  }

  @Test
  void aWindowWiderThanItsInputIsAnErrorBeforeAnythingRuns() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 1, 2, 2);
    SDVariable h = x.mul(sd.var("w", Nd4j.ones(DataType.DOUBLE, 1, 1, 1, 1)));
    sd.cnn().maxPooling2d("wide", h, window(3, 3, 1, 1, 0, 0).build()).sum("loss");
    sd.setLossVariables("loss");
    org.assertj.core.api.Assertions.assertThatThrownBy(() -> BackPack.extend(sd))
        .hasMessageContaining("\"wide\" (maxpool2d)")
        .hasMessageContaining("spans 3 entries");
  }
}
