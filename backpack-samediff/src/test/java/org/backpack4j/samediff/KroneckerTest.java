package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.KFRA;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/** Kronecker factors against blocks of the matrix that they stand for. */
class KroneckerTest {
  private static final int N = 4;

  private static Map<String, INDArray> results(
      SameDiff sd, Map<String, INDArray> feeds, Extension... extensions) {
    // a sample at a time and a column at a time as well, which must be the same
    Checked.checkNumbers(feeds, BackPack.on(sd), BruteForce.on(sd, feeds), extensions);
    try (ExtendedGraph graph = BackPack.extend(sd, extensions)) {
      List<String> names = new ArrayList<>(graph.outputNames());
      return new HashMap<>(Checked.inEveryWay(graph, feeds, names));
    }
  }

  /** The block Σ vec(u) vec(u)ᵀ of the columns [V, N, P…]. */
  private static INDArray block(INDArray columns) {
    long[] shape = columns.shape();
    INDArray rows = columns.dup('c').reshape(shape[0] * shape[1], -1);
    return rows.transpose().mmul(rows);
  }

  private static INDArray kronecker(INDArray b, INDArray a) {
    INDArray product = Nd4j.create(DataType.DOUBLE, b.rows() * a.rows(), b.columns() * a.columns());
    for (int i = 0; i < product.rows(); i++) {
      for (int j = 0; j < product.columns(); j++) {
        double left = b.getDouble(i / a.rows(), j / a.columns());
        product.putScalar(i, j, left * a.getDouble(i % a.rows(), j % a.columns()));
      }
    }
    return product;
  }

  private static void assertSame(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.sub(expected).amaxNumber().doubleValue())
        .isLessThanOrEqualTo(1e-12 * expected.amaxNumber().doubleValue());
  }

  private static SameDiff linear() {
    Nd4j.getRandom().setSeed(3);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(4, 3));
    SDVariable b = sd.var("b", Graphs.random(3));
    sd.loss().softmaxCrossEntropy("loss", y, x.mmul(w).add(b), null);
    return sd;
  }

  /** Of one sample the block of a dense layer is a Kronecker product; w is [in, out] here. */
  @Test
  void isTheBlockOfOneSample() {
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(1, 4), "y", Graphs.oneHot(1, 3));
    Map<String, INDArray> out =
        results(
            linear(), feeds, new KFLR(), new KFACExpand(), new KFACReduce(), new SqrtGGNExact());
    INDArray columns = out.get("w.sqrt_ggn_exact").permute(0, 1, 3, 2); // [V, N, out, in]
    INDArray exact = block(columns);
    for (String field : List.of("kflr", "kfac_expand", "kfac_reduce")) {
      INDArray b = out.get("w." + field + ".B");
      assertSame(kronecker(b, out.get("w." + field + ".A")), exact);
      assertSame(out.get("b." + field + ".B"), block(out.get("b.sqrt_ggn_exact")));
    }
  }

  /** With as many sums as columns random signs are nothing random; labels are. */
  @Test
  void isExactWithAsManySumsAsColumns() {
    SameDiff sd = linear();
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(N, 4), "y", Graphs.oneHot(N, 3));
    Map<String, INDArray> out = results(sd, feeds, new KFLR());
    try (ExtendedGraph signs = BackPack.extend(sd, KFAC.signs(2, 5));
        ExtendedGraph labels = BackPack.extend(sd, new KFAC(2, 5))) {
      assertSame(signs.output(feeds, "w.kfac.B").get("w.kfac.B"), out.get("w.kflr.B"));
      INDArray drawn = labels.output(feeds, "w.kfac.B").get("w.kfac.B");
      assertThat(drawn.sub(out.get("w.kflr.B")).amaxNumber().doubleValue()).isGreaterThan(1e-6);
    }
  }

  /** The empirical Fisher matrix is made of the samples' gradients. */
  @Test
  void empiricalFactorsAreOfGradients() {
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(N, 4), "y", Graphs.oneHot(N, 3));
    Map<String, INDArray> out =
        results(linear(), feeds, new KFACExpand(Columns.GRADIENT), new BatchGrad());
    INDArray rows = out.get("b.grad_batch");
    assertSame(out.get("b.kfac_expand_empirical.B"), rows.transpose().mmul(rows));
    assertSame(out.get("w.kfac_expand_empirical.B"), rows.transpose().mmul(rows));
  }

  private static SameDiff convolution(boolean depthwise) {
    Nd4j.getRandom().setSeed(5);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 4, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(2, 2, 2, 3));
    Conv2DConfig config =
        Conv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).pH(1).pW(1).dH(1).dW(1).build();
    SDVariable z =
        depthwise ? sd.cnn().depthWiseConv2d(x, w, config) : sd.cnn().conv2d(x, w, config);
    SDVariable rows = sd.math().tanh(z).mean(2, 3);
    SDVariable v = sd.var("v", Graphs.random(depthwise ? 6 : 3, 3));
    sd.loss().softmaxCrossEntropy("loss", y, rows.mmul(v), null);
    return sd;
  }

  /** A's rows are the weight's own axes but that of the outputs: row, column, channel. */
  @Test
  void rowsOfAAreInTheWeightsOrder() {
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(N, 2, 4, 3), "y", Graphs.oneHot(N, 3));
    Map<String, INDArray> out = results(convolution(false), feeds, new KFACExpand(), new KFLR());
    INDArray x = feeds.get("x");
    INDArray sum = Nd4j.zeros(DataType.DOUBLE, 8, 8);
    for (int n = 0; n < N; n++) {
      for (int row = -1; row < 4; row++) {
        for (int column = -1; column < 3; column++) {
          INDArray seen = Nd4j.zeros(DataType.DOUBLE, 8, 1);
          for (int k = 0; k < 8; k++) {
            int i = row + k / 4;
            int j = column + k / 2 % 2;
            if (i >= 0 && i < 4 && j >= 0 && j < 3) {
              seen.putScalar(k, x.getDouble(n, k % 2, i, j));
            }
          }
          sum.addi(seen.mmul(seen.transpose()));
        }
      }
    }
    assertSame(out.get("w.kflr.A"), sum.div(N));
    assertSame(out.get("w.kfac_expand.A"), sum.div(N * 20));
    assertThat(out.get("w.kflr.B").shape()).containsExactly(3, 3);
  }

  /** All channels of a depthwise convolution share A. */
  @Test
  void groupsShareTheirInputs() {
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(N, 2, 4, 3), "y", Graphs.oneHot(N, 3));
    Map<String, INDArray> out = results(convolution(true), feeds, new KFACReduce());
    assertThat(out.get("w.kfac_reduce.B").shape()).containsExactly(6, 6);
    assertThat(out.get("w.kfac_reduce.A").shape()).containsExactly(4, 4);
  }

  /** Inputs of a table are one-hot, so that A is how often each row is looked up. */
  @Test
  void tablesHaveCounts() {
    SameDiff sd = SameDiff.create();
    SDVariable i = sd.placeHolder("i", DataType.INT32, -1, 2);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable table = sd.var("table", Graphs.random(5, 3));
    sd.loss().softmaxCrossEntropy("loss", y, sd.math().tanh(sd.gather(table, i, 0)).sum(1), null);
    Map<String, INDArray> feeds =
        Map.of(
            "i", Nd4j.createFromArray(new int[][] {{0, 1}, {1, 1}, {4, 0}, {1, 3}}),
            "y", Graphs.oneHot(N, 3));
    Map<String, INDArray> out = results(sd, feeds, new KFLR(), new KFACExpand());
    INDArray counts = Nd4j.createFromArray(2.0, 4, 0, 1, 1);
    assertSame(out.get("table.kflr.A_diag"), counts.div(N));
    assertSame(out.get("table.kfac_expand.A_diag"), counts.div(2 * N));
    assertThat(out.get("table.kflr.B").shape()).containsExactly(3, 3);
  }

  @Test
  void refusesTheHessiansColumns() {
    assertThatThrownBy(() -> new KFACExpand(Columns.HESSIAN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("need not be positive");
  }

  /** Of one dense layer it is the exact factor; behind an elementwise function its mean over n. */
  @Test
  void recursionAveragesLayerByLayer() {
    Nd4j.getRandom().setSeed(4);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(4, 2));
    SDVariable h = sd.math().tanh("h", x.mmul(w));
    SDVariable v = sd.var("v", Graphs.random(2, 3));
    sd.loss().softmaxCrossEntropy("loss", y, h.mmul(v).add(sd.var("b", Graphs.random(3))), null);
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(N, 4), "y", Graphs.oneHot(N, 3));
    Map<String, INDArray> out = results(sd, feeds, new KFRA(), new KFLR());
    assertSame(out.get("v.kfra.B"), out.get("v.kflr.B"));
    assertSame(out.get("b.kfra.B"), out.get("b.kflr.B"));
    assertSame(out.get("w.kfra.A"), out.get("w.kflr.A"));
    INDArray before = v.getArr().mmul(out.get("v.kfra.B")).mmul(v.getArr().transpose());
    INDArray slope = sd.output(feeds, "h").get("h").dup();
    slope = slope.mul(slope).rsub(1); // [N, 2]
    assertSame(out.get("w.kfra.B"), before.mul(slope.transpose().mmul(slope).div(N)));
  }

  @Test
  void recursionRefusesBranches() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable h = sd.math().tanh("h", x.mmul(sd.var("w", Graphs.random(3, 3))));
    SDVariable z = h.add("skip", h.mmul(sd.var("v", Graphs.random(3, 3))));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    assertThatThrownBy(() -> BackPack.extend(sd, new KFRA()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("kfra")
        .hasMessageContaining("more than one activation")
        .hasMessageContaining("ask for KFLR");
    try (ExtendedGraph graph = BackPack.on(sd).lenient().extend(new KFRA(), new KFLR())) {
      assertThat(graph.outputNames()).noneMatch(n -> n.contains(".kfra")).contains("v.kflr.B");
    }
  }

  /** Results of two uses would not add up. */
  @Test
  void recursionRefusesAWeightUsedTwice() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(3, 3));
    sd.loss().softmaxCrossEntropy("loss", y, sd.math().tanh(x.mmul(w)).mmul(w), null);
    assertThatThrownBy(() -> BackPack.extend(sd, new KFRA()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("\"w\" is used more than once")
        .hasMessageContaining("ask for KFLR");
  }
}
