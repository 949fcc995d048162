package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMActivations;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMConfiguration;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMDataFormat;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMDirectionMode;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMLayerConfig;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.RnnDataFormat;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.weights.GRUWeights;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.weights.LSTMLayerWeights;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.weights.LSTMWeights;
import org.nd4j.linalg.factory.Nd4j;

/** Gradients and curvature of recurrent layers, against brute force. */
class RecurrentTest {
  private static final int N = Problems.SAMPLES;
  private static final int T = 3;
  private static final int F = 2;
  private static final int H = 2;

  private final SameDiff sd = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();

  /** A value [N, …] of samples, scaled by a parameter. */
  private SDVariable samples(String name, long... shape) {
    SDVariable x = Problems.placeholder(sd, name, shape);
    long[] all = x.placeholderShape().clone();
    all[0] = N;
    feeds.put(name, Problems.random(name.hashCode(), -1, 1, all));
    return x.mul(Problems.parameter(sd, "scale_" + name, 1));
  }

  private SDVariable parameter(String name, long... shape) {
    return Problems.parameter(sd, name, shape);
  }

  /**
   * Makes results, brought to [N, entries], the predictions, and the mean of their squares the
   * loss.
   */
  private void predicted(SDVariable... rows) {
    SDVariable all = rows.length == 1 ? rows[0] : sd.concat(1, rows);
    Problems.squared(sd, all);
  }

  private void verify() {
    BackPack.Builder builder = BackPack.on(sd).predictions("z");
    Checked.checkNumbers(
        feeds,
        builder,
        BruteForce.on(sd, feeds).predictions("z"),
        new BatchGrad(),
        new BatchL2Grad(),
        new DiagGGNExact());
  }

  private void verifyInEveryWay() {
    Problems.verifyInEveryWay(sd, feeds, "z");
  }

  // ---- lstmLayer ----

  private static long[] both(boolean two, long... shape) {
    if (!two) {
      return shape;
    }
    long[] twice = new long[shape.length + 1];
    twice[0] = 2;
    System.arraycopy(shape, 0, twice, 1, shape.length);
    return twice;
  }

  /** First states: both directions', beside the samples. */
  private SDVariable state(String name, boolean two) {
    SDVariable state = samples(name, both(two, H));
    return two ? sd.permute(state, 1, 0, 2) : state;
  }

  /** All of it: bias, lengths, first states, peepholes, clipping. */
  private void lstm(LSTMDataFormat format, LSTMDirectionMode mode, boolean all) {
    boolean two = mode != LSTMDirectionMode.FWD && mode != LSTMDirectionMode.BWD;
    SDVariable x = samples("x", T, F);
    SDVariable laidOut =
        switch (format) {
          case TNS, T2NS -> sd.permute(x, 1, 0, 2);
          case NTS -> x;
          case NST -> sd.permute(x, 0, 2, 1);
        };
    LSTMLayerWeights.LSTMLayerWeightsBuilder weights =
        LSTMLayerWeights.builder()
            .weights(parameter("w", both(two, F, 4 * H)))
            .rWeights(parameter("u", both(two, H, 4 * H)));
    SDVariable lengths = null;
    SDVariable h = null;
    SDVariable c = null;
    if (all) {
      weights.bias(parameter("b", both(two, 4 * H)));
      weights.peepholeWeights(parameter("p", both(two, 3 * H)));
      lengths = sd.placeHolder("lengths", DataType.INT32, -1);
      feeds.put("lengths", Nd4j.createFromArray(2, T, 1));
      c = state("c", two);
      h = state("h", two);
    }
    LSTMLayerConfig config =
        LSTMLayerConfig.builder()
            .lstmdataformat(format)
            .directionMode(mode)
            .retLastH(all)
            .retLastC(all)
            .cellClip(all ? 0.6 : 0)
            .gateAct(LSTMActivations.SIGMOID)
            .cellAct(LSTMActivations.TANH)
            .outAct(LSTMActivations.TANH)
            .build();
    SDVariable[] results = sd.rnn().lstmLayer(laidOut, c, h, lengths, weights.build(), config);
    SDVariable sequence =
        switch (mode) {
          case BIDIR_EXTRA_DIM -> sd.permute(results[0], 2, 0, 1, 3);
          default ->
              switch (format) {
                case TNS, T2NS -> sd.permute(results[0], 1, 0, 2);
                default -> results[0];
              };
        };
    boolean wide =
        mode == LSTMDirectionMode.BIDIR_EXTRA_DIM || mode == LSTMDirectionMode.BIDIR_CONCAT;
    SDVariable rows = sequence.reshape(-1, T * H * (wide ? 2 : 1));
    if (!all) {
      predicted(rows);
      return;
    }
    List<SDVariable> parts = new ArrayList<>(List.of(rows));
    for (int k = 1; k < 3; k++) {
      parts.add(two ? sd.permute(results[k], 1, 0, 2).reshape(-1, 2 * H) : results[k]);
    }
    predicted(parts.toArray(new SDVariable[0]));
  }

  static Stream<Arguments> layers() {
    List<Arguments> layers = new ArrayList<>();
    for (LSTMDirectionMode mode : LSTMDirectionMode.values()) {
      layers.add(Arguments.of(LSTMDataFormat.TNS, mode, true));
    }
    layers.add(Arguments.of(LSTMDataFormat.NTS, LSTMDirectionMode.FWD, false));
    layers.add(Arguments.of(LSTMDataFormat.NST, LSTMDirectionMode.BIDIR_CONCAT, false));
    layers.add(Arguments.of(LSTMDataFormat.T2NS, LSTMDirectionMode.BIDIR_EXTRA_DIM, false));
    return layers.stream();
  }

  @ParameterizedTest
  @MethodSource("layers")
  void lstmLayers(LSTMDataFormat format, LSTMDirectionMode mode, boolean all) {
    lstm(format, mode, all);
    verify();
  }

  @ParameterizedTest
  @EnumSource(
      value = LSTMDirectionMode.class,
      names = {"FWD", "BIDIR_CONCAT"})
  void lstmLayersInEveryWay(LSTMDirectionMode mode) {
    lstm(LSTMDataFormat.NTS, mode, true);
    verifyInEveryWay();
  }

  @Test
  void anLstmLayerWhoseStepsAreTheSamplesIsRefused() {
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, F);
    LSTMLayerWeights weights =
        LSTMLayerWeights.builder()
            .weights(parameter("w", F, 4 * H))
            .rWeights(parameter("u", H, 4 * H))
            .build();
    LSTMLayerConfig config = LSTMLayerConfig.builder().gateAct(LSTMActivations.SIGMOID).build();
    predicted(sd.rnn().lstmLayer(x, weights, config)[0].mul(2));
    assertThatThrownBy(() -> BackPack.extend(sd))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("lstmLayer")
        .hasMessageContaining("its steps or features grow with the number of samples")
        .hasMessageContaining("sampleAxis");
  }

  // ---- the others ----

  private LSTMWeights blockWeights() {
    return LSTMWeights.builder()
        .weights(parameter("w", F + H, 4 * H))
        .inputPeepholeWeights(parameter("pi", H))
        .forgetPeepholeWeights(parameter("pf", H))
        .outputPeepholeWeights(parameter("po", H))
        .bias(parameter("b", 4 * H))
        .build();
  }

  private static LSTMConfiguration block(boolean peepholes) {
    return LSTMConfiguration.builder()
        .peepHole(peepholes)
        .forgetBias(0.7)
        .clippingCellValue(peepholes ? 0.8 : 0)
        .dataFormat(RnnDataFormat.NTS)
        .build();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lstmCells(boolean peepholes) {
    predicted(
        sd.rnn()
            .lstmCell(
                samples("x", F),
                samples("c", H),
                samples("h", H),
                blockWeights(),
                block(peepholes)));
    verify();
  }

  @Test
  void lstmBlock() {
    SDVariable[] results =
        sd.rnn()
            .lstmblock(
                samples("x", T, F),
                sd.constant(Nd4j.scalar((long) T)),
                samples("c", H),
                samples("h", H),
                blockWeights(),
                block(true))
            .getCreator()
            .outputVariables();
    predicted(results[6].reshape(-1, T * H), results[1].reshape(-1, T * H));
    verify();
  }

  @Test
  void gru() {
    SDVariable h =
        sd.rnn()
            .gru(
                sd.permute(samples("x", T, F), 1, 0, 2),
                samples("h", H),
                parameter("w", F, 3 * H),
                parameter("u", H, 3 * H),
                parameter("b", 3 * H));
    predicted(sd.permute(h, 1, 0, 2).reshape(-1, T * H));
    verifyInEveryWay();
  }

  @Test
  void gruCell() {
    GRUWeights weights =
        GRUWeights.builder()
            .ruWeight(parameter("w", F + H, 2 * H))
            .cWeight(parameter("v", F + H, H))
            .ruBias(parameter("b", 2 * H))
            .cBias(parameter("a", H))
            .build();
    predicted(sd.rnn().gruCell(samples("x", F), samples("h", H), weights));
    verify();
  }
}
