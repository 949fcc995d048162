package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Graphs that have their number of samples inside, or extents that depend on what is fed: the
 * placeholder or op is named, whatever number of samples a native op has failed for.
 */
class FixedSamplesTest {
  private final SameDiff sd = SameDiff.create();

  private interface Step {
    SDVariable of(SDVariable z, SDVariable y);
  }

  /** x [n, 4] → z [n, 3] → the step → a loss with y [n, 3]. */
  private AbstractThrowableAssert<?, ?> refused(int n, Step step) {
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, n, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, n, 3);
    SDVariable z = x.mmul("z", sd.var("w", Graphs.random(4, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, step.of(z, y), null);
    return refused(BackPack.on(sd).sampleAxis("x", 0).sampleAxis("y", 0))
        .hasMessageContaining("number of samples")
        .hasMessageContaining("−1")
        .hasMessageContaining("sampleAxis(");
  }

  private AbstractThrowableAssert<?, ?> refused(BackPack.Builder builder) {
    String before = sd.summary();
    return assertThatThrownBy(() -> builder.extend(new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageNotContaining("Op validation failed")
        .satisfies(e -> assertThat(sd.summary()).isEqualTo(before));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 6, 8})
  void inAReshape(int n) {
    refused(n, (z, y) -> z.reshape(n, 3).rename("rows"))
        .hasMessageContaining("Where: \"rows\" (reshape)")
        .hasMessageContaining("the number of samples is fixed in it");
  }

  /** The reshape itself runs; another op fails of it. */
  @Test
  void inAReshapeThatTearsSamplesApart() {
    refused(
            8,
            (z, y) ->
                sd.concat(1, z, z, z, z)
                    .reshape(8, -1)
                    .rename("rows")
                    .mmul(sd.var("v", Graphs.random(12, 3))))
        .hasMessageContaining("Where: \"rows\" (reshape)")
        .hasMessageContaining("for 2 samples it makes [8, ");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 6, 8})
  void inAConstant(int n) {
    refused(n, (z, y) -> z.add("sum", sd.constant("table", Graphs.random(n, 3))))
        .hasMessageContaining("Where: \"sum\" (add)")
        .hasMessageContaining("\"table\" [" + n + ", 3]");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8})
  void inAParameter(int n) {
    refused(n, (z, y) -> z.mul("product", sd.var("table", Graphs.random(n, 3))))
        .hasMessageContaining("Where: \"product\" (multiply)")
        .hasMessageContaining("\"table\" [" + n + ", 3]");
  }

  @Test
  void inATile() {
    refused(8, (z, y) -> z.add("sum", sd.tile("rows", sd.var("b", Graphs.random(1, 3)), 8, 1)))
        .hasMessageContaining("\"rows\" [8, 3]");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8})
  void inASlice(int n) {
    refused(n, (z, y) -> sd.slice("rows", z, new int[] {0, 0}, n, 3))
        .hasMessageContaining("Where: \"rows\" (slice)");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8})
  void inTheIndicesOfAGather(int n) {
    refused(n, (z, y) -> sd.gather("rows", z, IntStream.range(0, n).toArray(), 0))
        .hasMessageContaining("Where: \"rows\" (gather)");
  }

  @Test
  void inConstantsThatAreJoined() {
    refused(
            8,
            (z, y) ->
                sd.concat("joined", 1, z, sd.constant("more", Graphs.random(8, 2)))
                    .mmul(sd.var("v", Graphs.random(5, 3))))
        .hasMessageContaining("\"joined\" (concat)")
        .hasMessageContaining("\"more\" [8, 2]");
  }

  @Test
  void aPlaceholderWhoseAxisWasNotNamed() {
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, 8, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, 8, 3);
    sd.loss().softmaxCrossEntropy("loss", y, x.mmul(sd.var("w", Graphs.random(4, 3))), null);
    refused(BackPack.on(sd).sampleAxis("x", 0))
        .hasMessageContaining("- name its axis by sampleAxis(\"y\", 0), or declare it with −1")
        .hasMessageContaining("Where: the placeholder \"y\"")
        .hasMessageContaining("\"y\" [8, 3]");
    refused(BackPack.on(sd).sampleAxis("y", 0))
        .hasMessageContaining("Where: the placeholder \"x\"")
        .hasMessageNotContaining("placeholder \"y\"");
  }

  @Test
  void twoAxesThatGrow() {
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable q = x.mmul(sd.var("w", Graphs.random(4, 4)));
    q.mmul("scores", sd.transpose(x)).sum("loss");
    sd.setLossVariables("loss");
    refused(BackPack.on(sd))
        .hasMessageContaining("Where: \"scores\" (matmul)")
        .hasMessageContaining("[N, N]: more than one axis grows with the number of samples N")
        .hasMessageContaining("an axis of their own");
  }

  private SDVariable bags(SDVariable segments) {
    SDVariable ids = sd.placeHolder("ids", DataType.INT32, -1);
    SDVariable rows = sd.gather(sd.var("table", Graphs.random(9, 4)), ids, 0);
    return sd.segmentSum("bags", rows, segments).mmul(sd.var("w", Graphs.random(4, 1)));
  }

  @Test
  void bagsWhoseExtentsAreNotTheSamples() {
    SDVariable z = bags(sd.placeHolder("segments", DataType.INT32, -1));
    sd.loss().meanSquaredError("loss", sd.placeHolder("y", DataType.DOUBLE, -1, 1), z, null);
    refused(BackPack.on(sd))
        .hasMessageContaining("Where: \"bags\" (segment_sum)")
        .hasMessageContaining("depend on the values that are fed (\"segments\")")
        .hasMessageContaining("padded")
        .hasMessageContaining("with a mask");
  }

  /** A graph that computes nothing for any number of samples is not told to be of a fixed one. */
  @Test
  void whatHasNothingToDoWithTheSamplesFailsAsItDid() {
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable broken = sd.var("a", Graphs.random(2, 3)).mmul(sd.var("b", Graphs.random(4, 5)));
    x.mmul(sd.var("w", Graphs.random(4, 3))).sum().add("loss", broken.sum());
    sd.setLossVariables("loss");
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("matmul");
  }
}
