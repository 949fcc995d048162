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
import org.nd4j.enums.PadMode;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Ops that move numbers around. */
final class ShapeCases {
  private final List<OpCase> cases = new ArrayList<>();

  private ShapeCases() {}

  static List<OpCase> all() {
    ShapeCases all = new ShapeCases();
    all.joining();
    all.shaping();
    all.choosing();
    all.others();
    return all.cases;
  }

  private void add(
      String name,
      Map<String, INDArray> variables,
      BiFunction<SameDiff, Function<String, SDVariable>, SDVariable> op) {
    cases.add(new OpCase(name, variables, sd -> op.apply(sd, sd::getVariable)));
  }

  private void add(String name, INDArray array, BiFunction<SameDiff, SDVariable, SDVariable> op) {
    cases.add(new OpCase(name, variables("x", array), sd -> op.apply(sd, sd.getVariable("x"))));
  }

  private void joining() {
    add(
        "concat axis 1",
        variables("x", random(3, 2, 2), "y", random(3, 4, 2)),
        (sd, v) -> sd.concat(1, v.apply("x"), v.apply("y")));
    add(
        "stack axis 1",
        variables("x", random(3, 2), "y", random(3, 2)),
        (sd, v) -> sd.stack(1, v.apply("x"), v.apply("y")));
    add(
        "split",
        random(3, 6),
        (sd, x) -> {
          SDVariable[] parts = sd.split(x, 3, 1);
          return parts[0].mul(parts[2]);
        });
    add(
        "unstack",
        random(3, 4),
        (sd, x) -> {
          SDVariable[] parts = sd.unstack(x, 1, 4);
          return parts[1].mul(parts[2]);
        });
  }

  private void shaping() {
    add("reshape", random(3, 6), (sd, x) -> x.reshape(3, 2, 3));
    add("reshape -1", random(3, 6), (sd, x) -> x.reshape(-1, 3));
    add("reshape computed", random(3, 6), (sd, x) -> sd.reshape(x, sd.shape(x.add(1.0))));
    add("permute", random(3, 2, 4), (sd, x) -> sd.permute(x, 2, 0, 1));
    add("transpose", random(3, 4), (sd, x) -> sd.transpose(x));
    add("squeeze and expandDims", random(3, 5), (sd, x) -> sd.squeeze(sd.expandDims(x, 1), 1));
    add("tile", random(3, 2), (sd, x) -> sd.tile(x, 1, 3));
    add("reverse", random(3, 5), (sd, x) -> sd.reverse(x, 1));
    for (PadMode mode : PadMode.values()) {
      INDArray padding = Nd4j.createFromArray(new int[][] {{0, 0}, {0, 0}, {1, 2}, {2, 1}});
      add(
          "pad " + mode,
          random(2, 4, 5, 5),
          (sd, x) -> sd.nn().pad(x, sd.constant(padding), mode, 0.5));
    }
  }

  private void choosing() {
    add("slice", random(3, 6), (sd, x) -> sd.slice(x, new int[] {0, 2}, new int[] {3, 3}));
    add(
        "stridedSlice",
        random(3, 6),
        (sd, x) -> sd.stridedSlice(x, new long[] {0, 1}, new long[] {3, 6}, new long[] {1, 2}));
    add(
        "stridedSlice with masks",
        random(3, 6, 2),
        (sd, x) ->
            sd.stridedSlice(
                x,
                new long[] {0, 1, 0},
                new long[] {2, 6, 1},
                new long[] {1, 2, 1},
                1,
                2,
                0,
                0,
                4));
    add("gather axis 1", random(3, 5), (sd, x) -> sd.gather(x, new int[] {1, 1, 4}, 1));
    add("gather axis 0", random(3, 5), (sd, x) -> sd.gather(x, new int[] {1, 1, 2}, 0));
    add(
        "gather by a variable",
        random(3, 5),
        (sd, x) -> sd.gather(x, sd.constant(Nd4j.createFromArray(1, 0, 1)), 0));
    add(
        "gatherNd",
        random(3, 5),
        (sd, x) ->
            sd.gatherNd(
                x, sd.constant(Nd4j.createFromArray(new int[][] {{1, 1}, {1, 1}, {2, 0}}))));
    add(
        "where",
        variables("x", random(3, 2), "y", random(3, 2)),
        (sd, v) ->
            sd.where(
                v.apply("x"),
                v.apply("y"),
                sd.constant(
                    Nd4j.createFromArray(
                        new boolean[][] {{true, false}, {false, false}, {true, true}}))));
    add(
        "unsortedSegmentSum",
        random(4, 3),
        (sd, x) -> sd.unsortedSegmentSum(x, sd.constant(Nd4j.createFromArray(0, 2, 0, 1)), 3));
    add(
        "scatterAdd",
        variables("x", random(4, 3), "y", random(2, 3)),
        (sd, v) ->
            sd.scatterAdd(v.apply("x"), sd.constant(Nd4j.createFromArray(3, 1)), v.apply("y")));
  }

  private void others() {
    add("diagPart", random(4, 4), (sd, x) -> sd.math().diagPart(x).add(0));
    add("triu", random(4, 4), (sd, x) -> sd.linalg().triu(x, 1));
    add(
        "oneHot",
        random(3, 4),
        (sd, x) ->
            x.mul(
                sd.oneHot(
                    sd.constant(Nd4j.createFromArray(1, 0, 3)), 4, -1, 1.0, 0.0, DataType.DOUBLE)));
    add("cast", random(3, 4), (sd, x) -> x.castTo(DataType.FLOAT).castTo(DataType.DOUBLE));
    add("identity", random(3, 4), (sd, x) -> sd.identity(sd.identity(x).mul(2.0)));
    add("shape", random(3, 4), (sd, x) -> sd.shape(x).castTo(DataType.DOUBLE));
    add("sizeAt", random(3, 4), (sd, x) -> sd.sizeAt(x, 1).castTo(DataType.DOUBLE));
    add("zerosLike", random(3, 4), (sd, x) -> sd.zerosLike(x).add(x));
    add("onesLike", random(3, 4), (sd, x) -> sd.onesLike(x).add(x));
    add("range", random(3), (sd, x) -> x.mul(sd.range(0.0, 3.0, 1.0, DataType.DOUBLE)));
    add("argmax", random(3, 4), (sd, x) -> sd.argmax(x, 1).castTo(DataType.DOUBLE));
    add("greater", random(3, 4), (sd, x) -> x.gt(0.1).castTo(DataType.DOUBLE));
    add("step", random(3, 4), (sd, x) -> sd.math().step(x, 0.1));
    add("isMax", random(3, 4), (sd, x) -> sd.math().isMax(x).castTo(DataType.DOUBLE));
  }
}
