package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.GramGGN;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Quantities of some samples of a batch, in the batch's scale. */
class SubsampleTest {
  private static final int N = 5;
  private static final int[] CHOSEN = {3, 0};

  /** Weights that are fed need not be positive, so that the loss has no root then. */
  private static SameDiff network(LossReduce reduce, boolean weighted) {
    Nd4j.getRandom().setSeed(4);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable weights = sd.placeHolder("weights", DataType.DOUBLE, -1, 1);
    SDVariable h = sd.math().tanh(x.mmul(sd.var("w", Graphs.random(4, 3))));
    SDVariable z = h.mmul(sd.var("v", Graphs.random(3, 3)));
    sd.loss().meanSquaredError("loss", y, z, weighted ? weights : null, reduce);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    Map<String, INDArray> feeds = new HashMap<>();
    feeds.put("x", Graphs.random(N, 4));
    feeds.put("y", Graphs.random(N, 3));
    feeds.put("weights", Nd4j.createFromArray(new double[][] {{1}, {2}, {0.5}, {3}, {0}}));
    return feeds;
  }

  private static void assertSame(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.distance2(expected))
        .isLessThan(1e-12 * Math.max(1e-3, expected.norm2Number().doubleValue()));
  }

  /** Rows of the whole batch's results, and sums of them, whatever the loss divides by. */
  @ParameterizedTest
  @EnumSource(
      value = LossReduce.class,
      names = {"SUM", "MEAN_BY_WEIGHT", "MEAN_BY_NONZERO_WEIGHT_COUNT"})
  void areRowsOfTheWholeBatch(LossReduce reduce) {
    SameDiff sd = network(reduce, true);
    Map<String, INDArray> feeds = feeds();
    BatchGrad rows = new BatchGrad();
    BatchL2Grad norms = new BatchL2Grad();
    SumGradSquared squares = new SumGradSquared();
    BatchDiagGGNExact parts = new BatchDiagGGNExact();
    DiagGGNExact diagonal = new DiagGGNExact();
    try (ExtendedGraph graph = BackPack.extend(sd, rows, norms, squares, parts, diagonal)) {
      QuantityResults all = graph.evaluate(feeds);
      QuantityResults some = graph.evaluate(feeds, CHOSEN);
      for (String p : graph.parameters()) {
        INDArray whole = all.get(p, rows);
        INDArray expected = Nd4j.stack(0, whole.slice(3), whole.slice(0));
        assertSame(some.get(p, rows), expected);
        assertSame(some.get(p, squares), expected.mul(expected).sum(0));
        INDArray l2 = all.get(p, norms);
        assertSame(some.get(p, norms), Nd4j.createFromArray(l2.getDouble(3), l2.getDouble(0)));
        INDArray ofEach = all.get(p, parts);
        INDArray two = Nd4j.stack(0, ofEach.slice(3), ofEach.slice(0));
        assertSame(some.get(p, parts), two);
        assertSame(some.get(p, diagonal), two.sum(0));
      }
      assertThat(some.outputs()).doesNotContainKey("w.grad");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = LossReduce.class,
      names = {"SUM", "MEAN_BY_WEIGHT"})
  void rootsAreThoseOfTheWholeBatch(LossReduce reduce) {
    SameDiff sd = network(reduce, false);
    Map<String, INDArray> feeds = feeds();
    feeds.remove("weights");
    SqrtGGNExact root = new SqrtGGNExact();
    DiagGGNExact diagonal = new DiagGGNExact();
    GramGGN gram = new GramGGN();
    KFLR factors = new KFLR();
    try (ExtendedGraph graph = BackPack.extend(sd, root, diagonal, gram, factors)) {
      QuantityResults all = graph.evaluate(feeds);
      QuantityResults some = graph.evaluate(feeds, CHOSEN);
      for (String p : graph.parameters()) {
        INDArray columns = some.get(p, root);
        INDArray wholeRoot = all.get(p, root);
        assertSame(columns, Nd4j.stack(1, wholeRoot.slice(3, 1), wholeRoot.slice(0, 1)));
        assertSame(some.get(p, diagonal), columns.mul(columns).sum(0, 1));
        INDArray flat = columns.permute(1, 0, 2, 3).dup('c');
        flat = flat.reshape(flat.size(0) * flat.size(1), -1);
        assertSame(some.get(p, gram), flat.mmul(flat.transpose()));
        INDArray b = some.get(p, factors, "B");
        assertThat(b.shape()).isEqualTo(all.get(p, factors, "B").shape());
      }
    }
  }

  @Test
  void refusesWhatIsNoSample() {
    SameDiff sd = network(LossReduce.SUM, false);
    Map<String, INDArray> feeds = feeds();
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      assertThatThrownBy(() -> graph.evaluate(feeds, 5))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("no sample 5");
      assertThatThrownBy(() -> graph.evaluate(feeds, 1, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("twice");
      assertThatThrownBy(() -> graph.evaluate(feeds, new int[0]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("No sample");
    }
  }
}
