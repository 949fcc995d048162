package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.LongStream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.DataFormat;
import org.nd4j.enums.PadMode;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Every op that moves entries, between a parameter and a loss. */
class MovementRuleTest {

  interface Op extends BiFunction<SameDiff, SDVariable, SDVariable> {}

  private static Arguments of(String name, long[] part, Op op) {
    return arguments(name, part, op);
  }

  private static long[] f(long... part) {
    return part;
  }

  static List<Arguments> ops() {
    List<Arguments> all = new ArrayList<>(cutting());
    all.addAll(padding());
    all.addAll(repeating());
    all.addAll(choosing());
    all.addAll(spaces());
    all.addAll(diagonals());
    return all;
  }

  private static List<Arguments> cutting() {
    return List.of(
        of("slice", f(4, 3), (sd, x) -> sd.slice(x, new int[] {0, 1, 1}, -1, 2, 2)),
        of(
            "strided slice",
            f(5, 4),
            (sd, x) ->
                sd.stridedSlice(
                    x,
                    new long[] {0, 1, 0},
                    new long[] {1, 5, 4},
                    new long[] {1, 2, 3},
                    1,
                    1,
                    0,
                    0,
                    0)),
        of(
            "strided slice that drops and adds axes",
            f(4, 3),
            (sd, x) ->
                sd.stridedSlice(
                    x,
                    new long[] {0, 0, 2, 0},
                    new long[] {0, 0, 3, 2},
                    new long[] {1, 1, 1, 1},
                    1,
                    1,
                    0,
                    2,
                    4)),
        of(
            "split",
            f(2, 6),
            (sd, x) -> {
              SDVariable[] parts = sd.split(x, 3, 2);
              return parts[2].add(parts[0].mul(2));
            }),
        of(
            "split by sizes",
            f(6),
            (sd, x) -> {
              SDVariable sizes = sd.constant(Nd4j.createFromArray(1, 3, 2));
              SDVariable[] parts = sd.splitV(x, sizes, 3, 1);
              return sd.concat(1, parts[2], parts[1].mul(3), parts[0]);
            }),
        of(
            "unstack",
            f(3, 2),
            (sd, x) -> {
              SDVariable[] parts = sd.unstack(x, 1, 3);
              return sd.stack(-1, parts[2], parts[0].mul(2));
            }),
        of("triu", f(3, 3), (sd, x) -> sd.linalg().triu(x, 1)),
        of("band", f(3, 4), (sd, x) -> sd.linalg().matrixBandPart(x, 1, 0)[0]));
  }

  private static List<Arguments> padding() {
    List<Arguments> all = new ArrayList<>();
    for (PadMode mode : PadMode.values()) {
      int[][] widths = {{0, 0}, {1, 2}, {2, 1}};
      all.add(
          of(
              "pad " + mode,
              f(3, 3),
              (sd, x) -> sd.nn().pad(x, sd.constant(Nd4j.createFromArray(widths)), mode, 1.0)));
    }
    all.add(of("concat", f(2, 2), (sd, x) -> sd.concat(2, x, x.mul(x), x)));
    return all;
  }

  private static List<Arguments> repeating() {
    return List.of(
        of("tile", f(2, 3), (sd, x) -> sd.tile(x, 1, 3, 2)),
        of(
            "tile, computed",
            f(2, 3),
            (sd, x) -> {
              SDVariable one = sd.constant(Nd4j.scalar(1L));
              return sd.tile(x, sd.stack(0, one, sd.sizeAt(x, 2), sd.sizeAt(x, 1)));
            }),
        of("upsampling2d nchw", f(2, 2, 3), (sd, x) -> sd.cnn().upsampling2d(x, 2, 3, true)),
        of("upsampling2d nhwc", f(2, 3, 2), (sd, x) -> sd.cnn().upsampling2d(x, 2, 3, false)),
        of("upsampling3d ncdhw", f(2, 2, 1, 3), (sd, x) -> sd.cnn().upsampling3d(x, true, 2, 3, 2)),
        of(
            "upsampling3d ndhwc",
            f(2, 1, 3, 2),
            (sd, x) -> sd.cnn().upsampling3d(x, false, 2, 3, 2)));
  }

  private static List<Arguments> choosing() {
    int[] often = new int[40];
    often[7] = 4;
    return List.of(
        of("gather", f(4, 2), (sd, x) -> sd.gather(x, new int[] {3, 0, 1}, 1)),
        of("gather with repeats", f(4, 2), (sd, x) -> sd.gather(x, new int[] {1, 1, 3}, 1)),
        of("gather, one very often", f(5), (sd, x) -> sd.gather(x, often, 1)),
        of("reverse", f(3, 4), (sd, x) -> sd.reverse(x, 1, 2)),
        of("reverse the last", f(3, 4), (sd, x) -> sd.reverse(x, -1)));
  }

  private static List<Arguments> spaces() {
    return List.of(
        of(
            "space to depth nhwc",
            f(4, 4, 2),
            (sd, x) -> sd.cnn().spaceToDepth(x, 2, DataFormat.NHWC)),
        of(
            "space to depth nchw",
            f(2, 4, 2),
            (sd, x) -> sd.cnn().spaceToDepth(x, 2, DataFormat.NCHW)),
        of(
            "depth to space nhwc",
            f(2, 1, 8),
            (sd, x) -> sd.cnn().depthToSpace(x, 2, DataFormat.NHWC)),
        of(
            "depth to space nchw",
            f(8, 1, 2),
            (sd, x) -> sd.cnn().depthToSpace(x, 2, DataFormat.NCHW)));
  }

  private static List<Arguments> diagonals() {
    return List.of(
        of(
            "set diagonal",
            f(3, 3),
            (sd, x) ->
                sd.math().setDiag(x, sd.slice(x, new int[] {0, 1, 0}, -1, 1, 3).reshape(-1, 3))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ops")
  void ofAnActivation(String name, long[] part, Op op) {
    Between net = Between.input(part).op(op);
    Checked.check(net.graph(), net.feeds());
  }

  /** The same ops on a parameter, which then scales the samples. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("ops")
  void ofAParameter(String name, long[] part, Op op) {
    Between net = Between.input(1);
    SameDiff sd = net.graph();
    long[] one = LongStream.concat(LongStream.of(1), LongStream.of(part)).toArray();
    SDVariable q = sd.math().square(op.apply(sd, sd.var("q", Between.random(one))));
    long size = ReferenceInterpreter.run(sd, Map.of(), List.of(q.name())).get(q.name()).length();
    net.op((g, x) -> x.mul(q.reshape(1, size)));
    Checked.check(sd, net.feeds());
  }

  /** Parts of a parameter and what they are joined to are read by matrix products. */
  @Test
  void weightsThatAreJoinedAndCut() {
    Between net = Between.input(3);
    SameDiff sd = net.graph();
    SDVariable a = sd.var("a", Between.random(2, 3));
    SDVariable b = sd.var("b", Between.random(4, 2));
    SDVariable[] parts = sd.split(sd.concat(0, sd.transpose(a), sd.reverse(b, 1)), 2, 1);
    SDVariable left = sd.slice(parts[0], new int[] {0, 0}, 3, 1);
    SDVariable right = sd.slice(parts[1], new int[] {4, 0}, 3, 1);
    net.op((g, x) -> sd.concat(1, x.mmul(left), x.mmul(right), x.mmul(sd.concat(1, right, left))));
    Checked.check(sd, net.feeds());
  }

  @Test
  void activationsBesideParameters() {
    Between net = Between.input(2, 3);
    SameDiff sd = net.graph();
    SDVariable row = sd.var("row", Between.random(1, 1, 3));
    SDVariable ones = sd.onesLike(sd.slice(sd.getVariable("x"), new int[] {0, 0, 0}, -1, 1, 3));
    net.op((g, x) -> sd.concat(1, x, ones.mul(row), x.mul(row)));
    Checked.check(sd, net.feeds());
  }

  static List<Arguments> onAnotherAxis() {
    return List.of(
        of("slice", f(4, 3), (sd, x) -> sd.slice(x, new int[] {1, 0, 1}, 2, -1, 2)),
        of("concat", f(2, 2), (sd, x) -> sd.concat(0, x, sd.math().square(x))),
        of("stack", f(2, 2), (sd, x) -> sd.stack(0, x, sd.math().square(x)).reshape(4, -1, 2)),
        of("reverse", f(3, 2), (sd, x) -> sd.reverse(x, 0, 2)),
        of("gather", f(3, 2), (sd, x) -> sd.gather(x, new int[] {2, 0, 2}, 0)),
        of(
            "gatherNd",
            f(3, 2),
            (sd, x) -> sd.gatherNd(x, sd.constant(Nd4j.createFromArray(new int[][] {{2}, {0}})))),
        of("tile", f(2, 2), (sd, x) -> sd.tile(x, 2, 1, 2)),
        of(
            "partition",
            f(4, 2),
            (sd, x) ->
                sd
                    .dynamicPartition(
                        x.reshape(4, -1), sd.constant(Nd4j.createFromArray(0, 1, 1, 0)), 2)[1]
                    .reshape(2, -1, 2)),
        of(
            "stitch",
            f(2, 2),
            (sd, x) ->
                sd.dynamicStitch(
                    new SDVariable[] {
                      sd.constant(Nd4j.createFromArray(0, 2)),
                      sd.constant(Nd4j.createFromArray(3, 1))
                    },
                    x,
                    x.mul(x))),
        of("cumsum", f(3, 2), (sd, x) -> sd.cumsum(x, true, false, 0)),
        of("reduction", f(3, 2), (sd, x) -> sd.norm2(x, true, 0)));
  }

  /** Samples on axis 1, from the placeholder on. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("onAnotherAxis")
  void withSamplesOnAxisOne(String name, long[] part, Op op) {
    Between net = Between.inputOnAxis(1, part).op((sd, x) -> sd.permute(op.apply(sd, x), 1, 0, 2));
    SameDiff sd = net.graph();
    Checked.check(
        sd,
        net.feeds(),
        BackPack.on(sd).sampleAxis("x", 1),
        BruteForce.on(sd, net.feeds()).sampleAxis(1),
        Checked.all());
  }

  static List<Arguments> folding() {
    return List.of(
        of(
            "in rows, time-distributed",
            f(2, 3),
            (sd, x) -> {
              SDVariable rows = sd.reverse(x.reshape(-1, 3), 1);
              return sd.concat(1, rows, rows.mul(rows)).reshape(-1, 2, 6);
            }),
        of(
            "one behind the other",
            f(3),
            (sd, x) -> {
              SDVariable twice = sd.concat(0, x, x.mul(x));
              return sd.permute(sd.math().tanh(twice).reshape(2, -1, 3), 1, 0, 2);
            }),
        of(
            "one behind the other, and taken apart again",
            f(3),
            (sd, x) -> {
              SDVariable[] parts = sd.split(sd.concat(0, x, x.mul(x)), 2, 0);
              return parts[1].sub(parts[0]);
            }),
        of("repeated", f(3), (sd, x) -> sd.permute(sd.tile(x, 3, 1).reshape(3, -1, 3), 1, 0, 2)),
        of(
            "space to batch and back",
            f(2, 4, 1),
            (sd, x) -> {
              int[] blocks = {2, 2};
              int[] none = {0, 0};
              SDVariable batch = sd.cnn().spaceToBatch(x, blocks, none, 0, 0);
              return sd.cnn().batchToSpace(sd.math().square(batch), blocks, none, 0, 0);
            }),
        of(
            "flattened",
            f(2, 2),
            (sd, x) -> sd.flatten(new SDVariable[] {x}, "c").mul(2).reshape(-1, 4)));
  }

  /** The samples beside other things on one axis. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("folding")
  void withFoldedSamples(String name, long[] part, Op op) {
    Between net = Between.input(part).op(op);
    Checked.check(net.graph(), net.feeds());
  }

  static List<Arguments> coupling() {
    return List.of(
        of("reverse", f(3), (sd, x) -> sd.reverse(x, 0)),
        of(
            "concat",
            f(3),
            (sd, x) -> sd.concat(1, sd.concat(0, x, x), sd.stack(1, x, x).reshape(-1, 3))),
        of("reshape", f(3), (sd, x) -> sd.concat(0, x, x).reshape(-1, 6)),
        of("reshape", f(4), (sd, x) -> sd.transpose(x.reshape(2, -1)).reshape(-1, 4)),
        of("cumsum", f(3), (sd, x) -> sd.cumsum(x, 0)),
        of("triu", f(3), (sd, x) -> sd.linalg().triu(x, 0)));
  }

  /** What moves entries from sample to sample is found by its structure, and named. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("coupling")
  void refusesMixedSamples(String op, long[] part, Op mixed) {
    Between net = Between.input(part).op((sd, x) -> mixed.apply(sd, x).mul(1));
    assertThatThrownBy(() -> BackPack.extend(net.graph(), new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("samples influence each other")
        .hasMessageContaining("(" + op + "). Not to be had: diag_ggn_exact.");
  }

  @Test
  void refusesWhatDataSay() {
    Between net = Between.input(3);
    SDVariable where = net.graph().argmax(net.graph().getVariable("x"), 0);
    net.op((sd, x) -> sd.gather(x, where, 1));
    assertThatThrownBy(() -> BackPack.extend(net.graph(), new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("depends on data");
  }

  @Test
  void sequencesOfKnownLength() {
    Between net =
        Between.inputOnAxis(1, 2, 3)
            .op(
                (sd, x) -> {
                  SDVariable lengths = sd.constant(Nd4j.createFromArray(3, 2));
                  return sd.permute(sd.reverseSequence(x, lengths, 2, 0), 1, 0, 2);
                });
    SameDiff sd = net.graph();
    Checked.check(
        sd,
        net.feeds(),
        BackPack.on(sd).sampleAxis("x", 1),
        BruteForce.on(sd, net.feeds()).sampleAxis(1),
        Checked.all());
  }

  @Test
  void sequencesOfEachSamplesLength() {
    Between net =
        Between.input(4, 2)
            .feed("lengths", Nd4j.createFromArray(4, 2, 3))
            .op(
                (sd, x) -> {
                  SDVariable lengths = sd.placeHolder("lengths", DataType.INT32, -1);
                  return sd.reverseSequence(x, lengths, 1, 0).mul(x);
                });
    Checked.check(net.graph(), net.feeds());
  }
}
