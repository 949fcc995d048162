package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.QRDecomposition;
import org.assertj.core.data.Offset;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.EKFAC;
import org.backpack4j.samediff.extension.KFACExpand;
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

/** Corrected eigenvalues against the columns of the exact block in another basis. */
class EKFACTest {
  private static final int N = 4;

  /** A convolution, a depthwise one, a dense layer at two positions, a table, biases, a scale. */
  private static SameDiff network() {
    Nd4j.getRandom().setSeed(5);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 4, 3);
    SDVariable i = sd.placeHolder("i", DataType.INT32, -1, 2);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    Conv2DConfig config =
        Conv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).pH(1).pW(1).dH(1).dW(1).build();
    SDVariable b = sd.var("b", Graphs.random(2));
    SDVariable z = sd.math().tanh(sd.cnn().conv2d(x, sd.var("w", small(2, 2, 2, 2)), b, config));
    SDVariable d =
        sd.math().tanh(sd.cnn().depthWiseConv2d(z, sd.var("d", small(2, 2, 2, 2)), config));
    SDVariable seen = d.mean(2, 3).reshape(-1, 2);
    SDVariable table = sd.math().tanh(sd.gather(sd.var("t", small(5, 2)), i, 0)).reshape(-1, 2);
    SDVariable h = seen.add(table).mmul(sd.var("v", small(2, 3))).mul(sd.var("s", small(1, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, h.reshape(-1, 2, 3).sum(1), null);
    return sd;
  }

  private static INDArray small(long... shape) {
    return Graphs.random(shape);
  }

  private static Map<String, INDArray> feeds() {
    Map<String, INDArray> feeds = new HashMap<>();
    feeds.put("x", Graphs.random(N, 2, 4, 3));
    feeds.put("i", Nd4j.createFromArray(new int[][] {{0, 1}, {1, 1}, {4, 0}, {1, 3}}));
    feeds.put("y", Graphs.oneHot(N, 3));
    return feeds;
  }

  /** For each parameter its axes, those of the outputs first, and how many these are. */
  private static final Map<String, int[]> AXES =
      Map.of(
          "w", new int[] {3, 0, 1, 2},
          "d", new int[] {2, 3, 0, 1},
          "v", new int[] {1, 0},
          "t", new int[] {1, 0},
          "b", new int[] {0},
          "s", new int[] {0, 1});

  private static INDArray orthogonal(long size) {
    INDArray random = Graphs.random(size, size);
    return Nd4j.createFromArray(
        new QRDecomposition(new Array2DRowRealMatrix(random.toDoubleMatrix())).getQ().getData());
  }

  private static INDArray eigenvectors(INDArray symmetric) {
    return Nd4j.createFromArray(
        new EigenDecomposition(new Array2DRowRealMatrix(symmetric.toDoubleMatrix()))
            .getV()
            .getData());
  }

  /** The columns of the exact block as matrices [V N, O, I]. */
  private static INDArray matrices(INDArray root, String parameter, long outputs) {
    int[] axes = AXES.get(parameter);
    int[] order = new int[axes.length + 2];
    order[1] = 1;
    for (int k = 0; k < axes.length; k++) {
      order[k + 2] = axes[k] + 2;
    }
    INDArray turned = root.permute(order).dup('c');
    return turned.reshape(root.size(0) * root.size(1), outputs, -1);
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

  private static Map<String, INDArray> evaluated(ExtendedGraph graph, Map<String, INDArray> feeds) {
    return new HashMap<>(Checked.inEveryWay(graph, feeds, new ArrayList<>(graph.outputNames())));
  }

  private static Map<String, INDArray> bases(
      Map<String, INDArray> factors, java.util.function.UnaryOperator<INDArray> basis) {
    Map<String, INDArray> feeds = new HashMap<>();
    for (String p : AXES.keySet()) {
      feeds.put(p + ".ekfac.Q_B", basis.apply(factors.get(p + ".kfac_expand.B")));
      INDArray a = factors.get(p + ".kfac_expand.A");
      if (a != null) {
        feeds.put(p + ".ekfac.Q_A", basis.apply(a));
      }
    }
    return feeds;
  }

  private static void compare(boolean eigen) {
    SameDiff sd = network();
    Map<String, INDArray> feeds = feeds();
    Map<String, INDArray> factors;
    try (ExtendedGraph graph = BackPack.extend(sd, new KFACExpand(), new SqrtGGNExact())) {
      factors = evaluated(graph, feeds);
    }
    Map<String, INDArray> fed = new HashMap<>(feeds);
    Map<String, INDArray> bases =
        bases(factors, m -> eigen ? eigenvectors(m) : orthogonal(m.rows()));
    fed.putAll(bases);
    Map<String, INDArray> out;
    try (ExtendedGraph graph = BackPack.extend(sd, new EKFAC())) {
      out = evaluated(graph, fed);
      List<String> names = new ArrayList<>(graph.outputNames());
      try (ExtendedGraph small = BackPack.on(sd).memoryBudget(1).extend(new EKFAC())) {
        Map<String, INDArray> portions = small.output(fed, names);
        out.forEach(
            (name, array) ->
                assertThat(portions.get(name).distance2(array))
                    .as(name)
                    .isLessThan(1e-12 * Math.max(1, array.norm2Number().doubleValue())));
      }
    }
    for (String p : AXES.keySet()) {
      INDArray qb = bases.get(p + ".ekfac.Q_B");
      INDArray qa = bases.getOrDefault(p + ".ekfac.Q_A", null);
      INDArray g = matrices(factors.get(p + ".sqrt_ggn_exact"), p, qb.rows());
      INDArray lambda = out.get(p + ".ekfac").dup('c');
      int inputs = (int) g.size(2);
      qa = qa == null ? Nd4j.eye(inputs).castTo(DataType.DOUBLE) : qa;
      INDArray expected = Nd4j.zeros(DataType.DOUBLE, qb.rows(), inputs);
      for (int k = 0; k < g.size(0); k++) {
        INDArray turned = qb.transpose().mmul(g.slice(k)).mmul(qa);
        expected.addi(turned.mul(turned));
      }
      INDArray flat = lambda.reshape(qb.rows(), inputs);
      assertThat(flat.sub(expected).amaxNumber().doubleValue())
          .as(p)
          .isLessThan(1e-12 * expected.amaxNumber().doubleValue());
      if (eigen) {
        INDArray rows = g.reshape(g.size(0), -1);
        INDArray block = rows.transpose().mmul(rows);
        INDArray q = kronecker(qb, qa);
        INDArray best = q.mmul(Nd4j.diag(flat.dup('c').reshape(-1))).mmul(q.transpose());
        INDArray b = factors.get(p + ".kfac_expand.B");
        INDArray a = factors.get(p + ".kfac_expand.A");
        a = a == null && p.equals("t") ? Nd4j.diag(factors.get("t.kfac_expand.A_diag")) : a;
        INDArray product = a == null ? b : kronecker(b, a);
        double off = best.distance2(block);
        assertThat(off).as(p).isLessThanOrEqualTo(product.distance2(block) * (1 + 1e-9) + 1e-12);
        assertThat(flat.sumNumber().doubleValue())
            .as(p)
            .isCloseTo(rows.mul(rows).sumNumber().doubleValue(), Offset.offset(1e-12));
      }
    }
  }

  @Test
  void areSecondMomentsInAnyBasis() {
    compare(false);
  }

  /** The trace is that of the exact block, which nothing with these eigenvectors is nearer to. */
  @Test
  void areNoWorseThanTheProductOfFactors() {
    compare(true);
  }

  @Test
  void haveFieldsOfTheirColumns() {
    assertThat(new EKFAC(Columns.sampled(2, 1)).field()).isEqualTo("ekfac_mc");
    assertThat(new EKFAC(Columns.GRADIENT).field()).isEqualTo("ekfac_empirical");
  }
}
