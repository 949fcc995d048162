package org.backpack4j.samediff.testing;

import static org.backpack4j.samediff.testing.OpCase.random;
import static org.backpack4j.samediff.testing.OpCase.variables;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMActivations;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMDataFormat;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMDirectionMode;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMLayerConfig;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.weights.LSTMLayerWeights;
import org.nd4j.linalg.factory.Nd4j;

/** Dense, normalising, attention and recurrent layers. */
final class LayerCases {
  private final List<OpCase> cases = new ArrayList<>();

  private LayerCases() {}

  static List<OpCase> all() {
    LayerCases all = new LayerCases();
    all.dense();
    all.normalisation();
    all.attention();
    all.recurrent();
    return all.cases;
  }

  private void add(
      String name,
      Map<String, INDArray> variables,
      BiFunction<SameDiff, Function<String, SDVariable>, SDVariable> op) {
    cases.add(new OpCase(name, variables, sd -> op.apply(sd, sd::getVariable)));
  }

  private void dense() {
    Map<String, INDArray> dense = variables("x", random(3, 5), "w", random(5, 4), "b", random(4));
    add("linear", dense, (sd, v) -> sd.nn().linear(v.apply("x"), v.apply("w"), v.apply("b")));
    add("reluLayer", dense, (sd, v) -> sd.nn().reluLayer(v.apply("x"), v.apply("w"), v.apply("b")));
    add("mmul", dense, (sd, v) -> v.apply("x").mmul(v.apply("w")));
    add(
        "mmul, both transposed",
        variables("x", random(5, 3), "w", random(4, 5)),
        (sd, v) -> sd.mmul(v.apply("x"), v.apply("w"), true, true, false));
    add(
        "mmul, result transposed",
        variables("x", random(4, 3), "w", random(3, 5)),
        (sd, v) -> sd.mmul(v.apply("x"), v.apply("w"), false, false, true));
    add(
        "batched mmul",
        variables("x", random(2, 4, 3), "w", random(2, 4, 5)),
        (sd, v) -> sd.mmul(v.apply("x"), v.apply("w"), true, false, false));
    add(
        "tensorMmul 3d by 2d",
        variables("x", random(3, 2, 5), "w", random(5, 4)),
        (sd, v) -> sd.tensorMmul(v.apply("x"), v.apply("w"), new int[] {2}, new int[] {0}));
    add(
        "biasAdd nchw",
        variables("x", random(2, 4, 3, 3), "b", random(4)),
        (sd, v) -> sd.nn().biasAdd(v.apply("x"), v.apply("b"), true));
    add(
        "biasAdd nhwc",
        variables("x", random(2, 3, 3, 4), "b", random(4)),
        (sd, v) -> sd.nn().biasAdd(v.apply("x"), v.apply("b"), false));
  }

  private void normalisation() {
    add(
        "layerNorm",
        variables("x", random(3, 5), "g", random(5), "b", random(5)),
        (sd, v) -> sd.nn().layerNorm(v.apply("x"), v.apply("g"), v.apply("b"), true, 1));
    add(
        "layerNorm 3d",
        variables("x", random(3, 4, 5), "g", random(5), "b", random(5)),
        (sd, v) -> sd.nn().layerNorm(v.apply("x"), v.apply("g"), v.apply("b"), false, 2));
    add(
        "layerNorm nchw",
        variables("x", random(2, 4, 3, 3), "g", random(4), "b", random(4)),
        (sd, v) -> sd.nn().layerNorm(v.apply("x"), v.apply("g"), v.apply("b"), true, 1, 2, 3));
    add(
        "layerNorm without bias",
        variables("x", random(3, 5), "g", random(5)),
        (sd, v) -> sd.nn().layerNorm(v.apply("x"), v.apply("g"), true, 1));
    batchNorm("batchNorm nchw", 1, 2, 4, 3, 3);
    batchNorm("batchNorm nhwc", 3, 2, 3, 3, 4);
    batchNorm("batchNorm 2d", 1, 3, 4);
  }

  private void batchNorm(String name, int axis, long... shape) {
    add(
        name,
        variables("x", random(shape), "g", random(4), "b", random(4)),
        (sd, v) ->
            sd.nn()
                .batchNorm(
                    v.apply("x"),
                    sd.constant(random(4)),
                    sd.constant(random(4).addi(2)),
                    v.apply("g"),
                    v.apply("b"),
                    1e-3,
                    axis));
  }

  private void attention() {
    Map<String, INDArray> heads =
        variables("q", random(2, 3, 4), "k", random(2, 3, 5), "v", random(2, 3, 5));
    add(
        "dotProductAttention, scaled",
        heads,
        (sd, v) ->
            sd.nn().dotProductAttention(v.apply("q"), v.apply("k"), v.apply("v"), null, true));
    add(
        "dotProductAttention, unscaled",
        heads,
        (sd, v) ->
            sd.nn().dotProductAttention(v.apply("q"), v.apply("k"), v.apply("v"), null, false));
    INDArray mask = Nd4j.createFromArray(new double[][] {{1, 1, 1, 0, 0}, {1, 1, 1, 1, 1}});
    add(
        "dotProductAttention, masked",
        heads,
        (sd, v) ->
            sd.nn()
                .dotProductAttention(
                    v.apply("q"), v.apply("k"), v.apply("v"), sd.constant(mask), true));
    Map<String, INDArray> many =
        variables(
            "q",
            random(2, 4, 3),
            "k",
            random(2, 4, 5),
            "v",
            random(2, 4, 5),
            "wq",
            random(2, 3, 4),
            "wk",
            random(2, 3, 4),
            "wv",
            random(2, 3, 4),
            "wo",
            random(6, 6));
    add(
        "multiHeadDotProductAttention",
        many,
        (sd, v) ->
            sd.nn()
                .multiHeadDotProductAttention(
                    v.apply("q"),
                    v.apply("k"),
                    v.apply("v"),
                    v.apply("wq"),
                    v.apply("wk"),
                    v.apply("wv"),
                    v.apply("wo"),
                    null,
                    true));
  }

  private void recurrent() {
    Map<String, INDArray> lstm =
        variables("x", random(5, 2, 3), "w", random(3, 16), "u", random(4, 16), "b", random(16));
    for (LSTMDirectionMode direction : List.of(LSTMDirectionMode.FWD, LSTMDirectionMode.BWD)) {
      add(
          "lstmLayer " + direction,
          lstm,
          (sd, v) ->
              sd.rnn()
                  .lstmLayer(
                      v.apply("x"),
                      LSTMLayerWeights.builder()
                          .weights(v.apply("w"))
                          .rWeights(v.apply("u"))
                          .bias(v.apply("b"))
                          .build(),
                      LSTMLayerConfig.builder()
                          .lstmdataformat(LSTMDataFormat.TNS)
                          .directionMode(direction)
                          .retFullSequence(true)
                          .retLastC(false)
                          .retLastH(false)
                          .gateAct(LSTMActivations.SIGMOID)
                          .cellAct(LSTMActivations.TANH)
                          .outAct(LSTMActivations.TANH)
                          .build())[0]);
    }
    add(
        "gru",
        variables(
            "x",
            random(5, 2, 3),
            "h",
            random(2, 4),
            "w",
            random(3, 12),
            "u",
            random(4, 12),
            "b",
            random(12)),
        (sd, v) ->
            sd.rnn().gru(v.apply("x"), v.apply("h"), v.apply("w"), v.apply("u"), v.apply("b")));
  }
}
