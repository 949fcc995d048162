package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Embeddings: rows of a table that are looked up by each sample, some several times. */
class GatherRuleTest {
  private final Net net = new Net();

  private SDVariable words(int[][] numbers) {
    return net.fed("words", Nd4j.createFromArray(numbers));
  }

  private SDVariable words() {
    return words(new int[][] {{1, 1, 4}, {0, 3, 0}, {2, 2, 2}});
  }

  @Test
  void aRowForEachSample() {
    SDVariable words = net.fed("words", Nd4j.createFromArray(1, 3, 1));
    net.classified(net.sd.gather(net.parameter("table", 5, 4), words, 0), 3);
    net.check();
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 23, 40})
  void aSequenceForEachSample(int rows) {
    net.classified(net.sd.gather(net.parameter("table", rows, 2), words(), 0), 3);
    net.check();
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "-1"})
  void alongOtherAxes(int axis) {
    SDVariable table = net.parameter("table", 2, axis == 1 ? 5 : 2, axis == 1 ? 2 : 5);
    SDVariable rows = net.sd.gather(table, words(), axis);
    net.classified(
        net.sd.permute(rows, axis == 1 ? new int[] {1, 0, 2, 3} : new int[] {2, 0, 1, 3}), 3);
    net.checkNumbers();
  }

  @Test
  void rearrangedBeforeAndBehind() {
    SDVariable table = net.sd.transpose(net.parameter("table", 2, 5).reshape(2, 5));
    SDVariable rows = net.sd.gather(table, words(), 0);
    net.classified(net.sd.permute(rows, 0, 2, 1).reshape(-1, 6), 3);
    net.check();
  }

  @Test
  void foldedIndices() {
    SDVariable flat = words().reshape(-1);
    SDVariable rows = net.sd.gather(net.parameter("table", 5, 2), flat, 0);
    net.classified(rows.mmul(net.parameter("w", 2, 2)).reshape(-1, 6), 3);
    net.checkNumbers();
  }

  @Test
  void aTableUsedTwiceIsAddedUpBeforeSquaring() {
    SDVariable table = net.parameter("table", 5, 2);
    SDVariable other = net.fed("other", Nd4j.createFromArray(new int[][] {{4, 1}, {3, 3}, {0, 2}}));
    SDVariable first = net.sd.gather(table, words(), 0).reshape(-1, 6);
    SDVariable second = net.sd.gather(table, other, 0).reshape(-1, 4);
    net.classified(net.sd.concat(1, first, second), 3);
    net.check();
  }

  @Test
  void aTiedEmbeddingIsAddedUpBeforeSquaring() {
    SDVariable table = net.parameter("table", 5, 2);
    SDVariable h = net.sd.math().tanh(net.sd.gather(table, words(), 0).mean(1));
    net.classified(net.sd.mmul(h, table, false, true, false), 3);
    net.checkNumbers();
  }

  @Test
  void computedTable() {
    SDVariable table = net.parameter("a", 5, 2).mul(net.parameter("b", 1, 2));
    net.classified(net.sd.gather(table, words(), 0), 3);
    net.checkNumbers();
  }

  /** The same rows for every sample, too many to be followed one by one. */
  @Test
  void positionsOfALargeTable() {
    SDVariable x = net.fed("x", 3, 3, 2);
    int[] places = {16000, 0, 16000};
    SDVariable rows = net.sd.gather(net.parameter("table", 16001, 2), places, 0);
    net.classified(x.mul(rows), 3);
    net.checkNumbers();
  }

  @Test
  void positionsOfASmallTable() {
    SDVariable x = net.fed("x", 3, 3, 2);
    SDVariable rows = net.sd.gather(net.parameter("table", 6, 2), new int[] {4, 0, 4}, 0);
    net.classified(x.mul(rows), 3);
    net.checkNumbers();
  }

  /** One sample with one index: ND4J's sum by index takes a single row for a vector. */
  @Test
  void aSingleLookUp() {
    SDVariable word = net.fed("words", Nd4j.createFromArray(3));
    net.classified(net.sd.gather(net.parameter("table", 5, 2), word, 0), 1);
    Checked.checkNumbers(
        net.sd, net.feeds, new BatchGrad(), new SumGradSquared(), new DiagGGNExact());
  }

  @Test
  void aSinglePositionOfALargeTable() {
    SDVariable x = net.fed("x", 2, 1, 2);
    SDVariable rows = net.sd.gather(net.parameter("table", 8200, 2), new int[] {8000}, 0);
    net.classified(x.mul(rows), 2);
    Checked.checkNumbers(
        net.sd, net.feeds, new BatchGrad(), new SumGradSquared(), new DiagGGNExact());
  }

  @Test
  void normsAndSquares() {
    net.classified(net.sd.gather(net.parameter("table", 40, 2), words(), 0), 3);
    Checked.checkNumbers(net.sd, net.feeds, new BatchL2Grad(), new SumGradSquared());
  }

  /** In single precision, where gradients of the same word nearly cancel, no square is negative. */
  @Test
  void squaresAreNotNegative() {
    INDArray signs =
        Nd4j.createFromArray(
            new double[][] {{1, -1.0000001, 1}, {1, 1, -2.0000001}, {-1, 0.5, 0.5000001}});
    SDVariable rows =
        net.sd.gather(
            net.parameter("table", 40, 2), words(new int[][] {{1, 1, 4}, {3, 3, 3}, {2, 2, 2}}), 0);
    net.classified(rows.mul(net.fed("signs", signs.reshape(3, 3, 1))).sum(1), 3);
    Map<String, INDArray> results = net.checkNumbers();
    assertThat(results.get("table.diag_ggn_exact").minNumber().doubleValue()).isNotNegative();
  }

  @Test
  void signedColumns() {
    SDVariable z = net.sd.gather(net.parameter("table", 5, 2), words(), 0).rename("z");
    SDVariable off = net.sd.math().square(z.sub(net.fed("y", 3, 3, 2)));
    net.byHand(off.mul(net.fed("weights", 3, 3, 2)).sum());
    net.checkNumbers("z");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 5})
  void fedIndicesBeyondTheTable(int index) {
    net.classified(net.sd.gather(net.parameter("table", 5, 2), words(), 0), 3);
    net.feeds.get("words").putScalar(1, 2, index);
    try (ExtendedGraph graph = BackPack.extend(net.sd, new BatchGrad())) {
      assertThatThrownBy(() -> graph.output(net.feeds, graph.outputNames()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("\"words\" is fed the number " + index)
          .hasMessageContaining("from 0 to 4");
    }
  }

  /** M2.1 would crash. */
  @Test
  void knownIndicesBeyondTheTable() {
    SDVariable rows = net.sd.gather("rows", net.parameter("table", 5, 2), new int[] {1, 0, -1}, 0);
    net.fed("x", 3, 3, 2).mul(rows).sum("loss");
    net.sd.setLossVariables("loss");
    assertThatThrownBy(() -> BackPack.extend(net.sd, new BatchGrad()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at the index -1");
  }
}
