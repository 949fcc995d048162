package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What was found out about one op is used for all that are alike: those are not which differ in an
 * argument, in a constant or in a shape that they read.
 */
class AlikeNodesTest {
  private final SameDiff sd = SameDiff.create();
  private final SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);

  interface Pair {
    /** Two results of the same shape [N, k], by ops that differ in one thing alone. */
    SDVariable[] of(SameDiff sd, SDVariable z);
  }

  private static SDVariable longs(SameDiff sd, long... numbers) {
    return sd.constant(Nd4j.createFromArray(numbers));
  }

  static Stream<Arguments> pairs() {
    return Stream.of(
        pair(
            "slices at other places",
            (sd, z) ->
                new SDVariable[] {
                  sd.slice(z, new int[] {0, 0}, -1, 3), sd.slice(z, new int[] {0, 2}, -1, 3)
                }),
        pair(
            "slices at places that are constants",
            (sd, z) ->
                new SDVariable[] {
                  sd.slice(z, longs(sd, 0, 1), longs(sd, -1, 3)),
                  sd.slice(z, longs(sd, 0, 3), longs(sd, -1, 3))
                }),
        pair(
            "columns picked by constants",
            (sd, z) ->
                new SDVariable[] {
                  sd.gather(z, sd.constant(Nd4j.createFromArray(0, 1, 5)), 1),
                  sd.gather(z, sd.constant(Nd4j.createFromArray(4, 1, 2)), 1)
                }),
        pair(
            "padding before and behind",
            (sd, z) ->
                new SDVariable[] {
                  sd.nn()
                      .pad(z, sd.constant(Nd4j.createFromArray(new int[][] {{0, 0}, {2, 0}})), 0),
                  sd.nn().pad(z, sd.constant(Nd4j.createFromArray(new int[][] {{0, 0}, {0, 2}})), 0)
                }),
        pair(
            "reshapes to constant shapes, transposed back",
            (sd, z) ->
                new SDVariable[] {
                  sd.reshape(
                      sd.permute(sd.reshape(z, longs(sd, -1, 2, 3)), 0, 2, 1), longs(sd, -1, 6)),
                  sd.reshape(
                      sd.permute(sd.reshape(z, longs(sd, -1, 3, 2)), 0, 2, 1), longs(sd, -1, 6))
                }),
        pair(
            "sums over axes that are constants",
            (sd, z) -> {
              SDVariable cube = sd.reshape(z, -1, 2, 3).mul(sd.constant(Graphs.random(1, 2, 3)));
              return new SDVariable[] {
                sd.tile(sd.sum(cube, false, 1), 1, 2), sd.tile(sd.sum(cube, false, 2), 1, 3)
              };
            }));
  }

  private static Arguments pair(String name, Pair pair) {
    return Arguments.of(name, pair);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pairs")
  void differ(String name, Pair pair) {
    SDVariable z = x.mmul("z", sd.var("w", Graphs.random(4, 6)));
    SDVariable[] both = pair.of(sd, z);
    SDVariable h = sd.math().tanh(both[0]).mul(both[1]);
    sd.loss().meanSquaredError("loss", sd.placeHolder("y", DataType.DOUBLE, -1, 1), row(h), null);
    Checked.check(sd, Map.of("x", Graphs.random(3, 4), "y", Graphs.random(3, 1)));
  }

  private SDVariable row(SDVariable h) {
    return sd.sum("out", h, true, 1);
  }

  /** Numbers that follow from a shape alone: their ops are alike, and what they give is not. */
  @Test
  void extentsComputedFromAShape() {
    BinaryOperator<SDVariable> extent =
        (width, share) ->
            sd.reshape(width.castTo(DataType.DOUBLE).mul(share).castTo(DataType.INT64), 1);
    SDVariable z = x.mmul("z", sd.var("w", Graphs.random(4, 6)));
    SDVariable width = sd.sizeAt(z, 1);
    SDVariable rows = longs(sd, -1);
    SDVariable three = sd.concat(0, rows, extent.apply(width, sd.constant(Nd4j.scalar(0.5))));
    SDVariable two =
        sd.concat(0, rows, extent.apply(width, sd.constant(Nd4j.scalar(1 / 3.0 + 1e-9))));
    sd.reshape("half", z, three);
    sd.reshape("third", z, two);
    GraphShapes shapes = GraphShapes.of(sd, List.of("half", "third"), Map.of());
    assertThat(shapes.dims("half").get(1).size()).isEqualTo(3);
    assertThat(shapes.dims("third").get(1).size()).isEqualTo(2);
  }
}
