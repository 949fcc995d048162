package org.backpack4j.samediff.internal.interpret;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.internal.rewrite.Canonicalise;
import org.backpack4j.samediff.testing.GraphLines;
import org.backpack4j.samediff.testing.SaveAndLoad;
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

/** Recurrent layers that are written out compute what M2.1's own ops compute. */
class RecurrentRewriteTest {
  private static final int N = 3;
  private static final int T = 4;
  private static final int F = 2;
  private static final int H = 3;

  private final SameDiff sd = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();
  private DataType type = DataType.DOUBLE;

  private INDArray random(String name, long... shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    Random random = new Random(name.hashCode());
    for (long k = 0; k < array.length(); k++) {
      array.putScalar(k, 2 * random.nextDouble() - 1);
    }
    return array.castTo(type);
  }

  private SDVariable parameter(String name, long... shape) {
    return sd.var(name, random(name, shape));
  }

  /** A placeholder with the samples on an axis. */
  private SDVariable fed(String name, int samples, long... shape) {
    feeds.put(name, random(name, shape));
    long[] open = shape.clone();
    open[samples] = -1;
    axes.put(name, samples);
    return sd.placeHolder(name, type, open);
  }

  private final Map<String, Integer> axes = new LinkedHashMap<>();

  /** Rewrites the graph and compares all results, in every way of running. */
  private String rewritten(SDVariable... results) {
    List<String> targets = Arrays.stream(results).map(SDVariable::name).toList();
    Map<String, INDArray> before = ReferenceInterpreter.run(sd, feeds, targets);
    SameDiff copy = GraphCopy.of(sd);
    Canonicalise.apply(copy, targets, axes);
    same(before, ReferenceInterpreter.run(copy, feeds, targets));
    for (int k = 0; k < 2; k++) {
      same(before, copy.output(feeds, targets.toArray(new String[0])));
    }
    same(before, SaveAndLoad.through(copy).output(feeds, targets.toArray(new String[0])));
    return GraphLines.of(copy, targets);
  }

  private void same(Map<String, INDArray> expected, Map<String, INDArray> actual) {
    expected.forEach(
        (name, array) -> {
          INDArray other = actual.get(name);
          assertThat(other.shape()).as(name).isEqualTo(array.shape());
          assertThat(other.sub(array).amaxNumber().doubleValue())
              .as(name)
              .isLessThan(type == DataType.DOUBLE ? 1e-14 : 1e-6);
        });
  }

  // ---- lstmLayer ----

  /** What an lstmLayer may have or not. */
  private enum Has {
    BIAS,
    LENGTHS,
    RESULTS,
    CELLS,
    PEEPHOLES,
    CLIP
  }

  private static LSTMLayerConfig.LSTMLayerConfigBuilder config() {
    return LSTMLayerConfig.builder()
        .retLastC(true)
        .retLastH(true)
        .gateAct(LSTMActivations.SIGMOID)
        .cellAct(LSTMActivations.TANH)
        .outAct(LSTMActivations.TANH);
  }

  private SDVariable[] lstm(LSTMLayerConfig config, int steps, List<Has> has) {
    LSTMDirectionMode mode = config.getDirectionMode();
    boolean two = mode != LSTMDirectionMode.FWD && mode != LSTMDirectionMode.BWD;
    SDVariable x =
        switch (config.getLstmdataformat()) {
          case TNS, T2NS -> fed("x", 1, steps, N, F);
          case NTS -> fed("x", 0, N, steps, F);
          case NST -> fed("x", 0, N, F, steps);
        };
    LSTMLayerWeights.LSTMLayerWeightsBuilder weights =
        LSTMLayerWeights.builder()
            .weights(parameter("w", both(two, F, 4 * H)))
            .rWeights(parameter("u", both(two, H, 4 * H)));
    if (has.contains(Has.BIAS)) {
      weights.bias(parameter("b", both(two, 4 * H)));
    }
    if (has.contains(Has.PEEPHOLES)) {
      weights.peepholeWeights(parameter("p", both(two, 3 * H)));
    }
    SDVariable lengths = null;
    if (has.contains(Has.LENGTHS)) {
      lengths = sd.placeHolder("lengths", DataType.INT32, -1);
      axes.put("lengths", 0);
      feeds.put("lengths", Nd4j.createFromArray(Math.min(2, steps), steps, 0));
    }
    int samples = two ? 1 : 0;
    SDVariable c = has.contains(Has.CELLS) ? fed("c", samples, both(two, N, H)) : null;
    SDVariable h = has.contains(Has.RESULTS) ? fed("h", samples, both(two, N, H)) : null;
    return sd.rnn().lstmLayer(x, c, h, lengths, weights.build(), config);
  }

  private static long[] both(boolean two, long... shape) {
    if (!two) {
      return shape;
    }
    long[] twice = new long[shape.length + 1];
    twice[0] = 2;
    System.arraycopy(shape, 0, twice, 1, shape.length);
    return twice;
  }

  static Stream<Arguments> layers() {
    List<Arguments> layers = new ArrayList<>();
    for (LSTMDataFormat format : LSTMDataFormat.values()) {
      for (LSTMDirectionMode mode : LSTMDirectionMode.values()) {
        boolean apart = mode == LSTMDirectionMode.BIDIR_EXTRA_DIM;
        boolean fits =
            format == LSTMDataFormat.T2NS ? apart : !apart || format == LSTMDataFormat.TNS;
        if (fits) {
          layers.add(Arguments.of(format, mode, List.of()));
          layers.add(Arguments.of(format, mode, List.of(Has.BIAS, Has.CELLS, Has.RESULTS)));
          layers.add(Arguments.of(format, mode, List.of(Has.BIAS, Has.LENGTHS, Has.PEEPHOLES)));
          layers.add(Arguments.of(format, mode, List.of(Has.values())));
        }
      }
    }
    return layers.stream();
  }

  @ParameterizedTest
  @MethodSource("layers")
  void lstmLayers(LSTMDataFormat format, LSTMDirectionMode mode, List<Has> has) {
    LSTMLayerConfig.LSTMLayerConfigBuilder config =
        config().lstmdataformat(format).directionMode(mode);
    if (has.contains(Has.CLIP)) {
      config.cellClip(0.3);
    }
    assertThat(rewritten(lstm(config.build(), T, has))).doesNotContain("lstmLayer(");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lstmLayersInSinglePrecision(boolean withAll) {
    type = DataType.FLOAT;
    List<Has> has = withAll ? List.of(Has.values()) : List.of(Has.BIAS);
    assertThat(rewritten(lstm(config().build(), T, has))).doesNotContain("lstmLayer(");
  }

  @ParameterizedTest
  @EnumSource(Has.class)
  void lstmLayersOfOneStepWithOneInputMore(Has one) {
    rewritten(
        lstm(config().cellClip(one == Has.CLIP ? 0.2 : 0).build(), 1, List.of(Has.BIAS, one)));
  }

  @ParameterizedTest
  @EnumSource(
      value = LSTMActivations.class,
      names = {"HARD_SIGMOID", "RELU", "SIGMOID", "SOFTPLUS", "SOFTSIGN", "TANH"})
  void lstmActivations(LSTMActivations activation) {
    LSTMLayerConfig config =
        config().gateAct(LSTMActivations.HARD_SIGMOID).cellAct(activation).build();
    rewritten(lstm(config, T, List.of(Has.BIAS)));
  }

  @Test
  void onlySomeResultsOfAnLstmLayer() {
    rewritten(lstm(config().retFullSequence(false).retLastH(false).build(), T, List.of()));
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

  private static LSTMConfiguration block(boolean peepholes, RnnDataFormat format, double clip) {
    return LSTMConfiguration.builder()
        .peepHole(peepholes)
        .forgetBias(0.7)
        .clippingCellValue(clip)
        .dataFormat(format)
        .build();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lstmCells(boolean peepholes) {
    SDVariable[] results =
        sd.rnn()
            .lstmCell(
                fed("x", 0, N, F),
                fed("c", 0, N, H),
                fed("h", 0, N, H),
                blockWeights(),
                block(peepholes, RnnDataFormat.TNS, peepholes ? 0.4 : 0));
    assertThat(rewritten(results)).doesNotContain("lstmBlockCell(");
  }

  /** SameDiff puts the first two inputs in the wrong order: they are given the other way round. */
  @ParameterizedTest
  @EnumSource(RnnDataFormat.class)
  void lstmBlocks(RnnDataFormat format) {
    SDVariable x =
        switch (format) {
          case TNS -> fed("x", 1, T, N, F);
          case NST -> fed("x", 0, N, F, T);
          case NTS -> fed("x", 0, N, T, F);
        };
    SDVariable[] results =
        sd.rnn()
            .lstmblock(
                x,
                sd.constant(Nd4j.scalar((long) T)),
                fed("c", 0, N, H),
                fed("h", 0, N, H),
                blockWeights(),
                block(true, format, 0.4))
            .getCreator()
            .outputVariables();
    assertThat(rewritten(results)).doesNotContain("lstmBlock(");
  }

  @Test
  void gru() {
    SDVariable h =
        sd.rnn()
            .gru(
                fed("x", 1, T, N, F),
                fed("h", 0, N, H),
                parameter("w", F, 3 * H),
                parameter("u", H, 3 * H),
                parameter("b", 3 * H));
    assertThat(rewritten(h)).doesNotContain("gru(");
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
    SDVariable[] results = sd.rnn().gruCell(fed("x", 0, N, F), fed("h", 0, N, H), weights);
    assertThat(rewritten(results)).doesNotContain("gruCell(");
  }
}
