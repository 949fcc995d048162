package org.backpack4j.samediff.internal.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.loss.SoftmaxCrossEntropyWithLogitsLoss;
import org.nd4j.linalg.factory.Nd4j;

/** Uniform numbers of 0 and 1, and those next to them: every sampled loss stays finite. */
class SampledExtremesTest {
  private static final String NOISE = "backpack.noise";
  private static final int N = 2;
  private static final int C = 3;

  private enum Loss {
    SIGMOID,
    SOFTMAX,
    SOFTMAX_FOR_EACH_ROW,
    SPARSE,
    SQUARED;

    void of(SameDiff sd, SDVariable z) {
      DataType type = z.dataType();
      switch (this) {
        case SIGMOID -> sd.loss().sigmoidCrossEntropy("loss", entries(sd, type), z, null);
        case SOFTMAX -> sd.loss().softmaxCrossEntropy("loss", entries(sd, type), z, null);
        case SOFTMAX_FOR_EACH_ROW ->
            new SoftmaxCrossEntropyWithLogitsLoss(sd, z, entries(sd, type), 1)
                .outputVariable()
                .sum("loss");
        case SPARSE ->
            sd.loss()
                .sparseSoftmaxCrossEntropy(z, sd.placeHolder("y", DataType.INT32, -1))
                .sum("loss");
        default -> sd.loss().meanSquaredError("loss", entries(sd, type), z, null);
      }
      sd.setLossVariables("loss");
    }

    private static SDVariable entries(SameDiff sd, DataType type) {
      return sd.placeHolder("y", type, -1, C);
    }
  }

  static List<Arguments> lossesAndTypes() {
    List<Arguments> all = new ArrayList<>();
    for (Loss loss : Loss.values()) {
      for (DataType type :
          List.of(DataType.DOUBLE, DataType.FLOAT, DataType.FLOAT16, DataType.BFLOAT16)) {
        all.add(Arguments.of(loss, type));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("lossesAndTypes")
  void areFinite(Loss loss, DataType type) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", type, -1, 2);
    INDArray w = Nd4j.createFromArray(0.5, -1, 2, 1, 0.25, -0.75).reshape(2, C).castTo(type);
    loss.of(sd, x.mmul("z", sd.var("w", w)));
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    // the second sample's outputs are saturated
    feeds.put("x", Nd4j.createFromArray(1, -1, 40, 40.).reshape(N, 2).castTo(type));
    feeds.put(
        "y",
        loss == Loss.SPARSE
            ? Nd4j.createFromArray(1, 0)
            : Nd4j.createFromArray(0, 1, 0, 1, 0, 0.).reshape(N, C).castTo(type));
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNMC(1))) {
      long[] shape = graph.sameDiff().getVariable(NOISE).placeholderShape();
      for (double u : extremes(type)) {
        feeds.put(NOISE, Nd4j.valueArrayOf(new long[] {N, shape[1]}, u, type));
        for (INDArray diagonal :
            List.of(
                graph.output(feeds, "w.diag_ggn_mc").get("w.diag_ggn_mc"),
                graph.sameDiff().output(feeds, "w.diag_ggn_mc").get("w.diag_ggn_mc"))) {
          assertThat(entries(diagonal)).as("u = %s", u).allMatch(d -> Double.isFinite(d) && d >= 0);
        }
      }
    }
  }

  private static List<Double> entries(INDArray array) {
    return Arrays.stream(array.castTo(DataType.DOUBLE).ravel().toDoubleVector()).boxed().toList();
  }

  /** 0, the least number above it, the largest below 1, and 1. */
  private static double[] extremes(DataType type) {
    return switch (type) {
      case DOUBLE -> new double[] {0, Double.MIN_NORMAL, 1 - 0x1p-53, 1};
      case FLOAT -> new double[] {0, 0x1p-126, 1 - 0x1p-24, 1};
      case HALF -> new double[] {0, 0x1p-24, 1 - 0x1p-11, 1};
      default -> new double[] {0, 0x1p-126, 1 - 0x1p-8, 1};
    };
  }
}
