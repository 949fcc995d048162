package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.QRDecomposition;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GradProduct;
import org.backpack4j.samediff.extension.GradQuadratic;
import org.backpack4j.samediff.extension.JacobianProduct;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/** Products and quadratic forms of samples' gradients, against their rows. */
class GradProductTest {
  private static final int N = 4;
  private static final int VECTORS = 3;

  /**
   * A convolution and a depthwise one, a table at two positions, a dense layer at one, one that is
   * transposed, one that is used twice, one that is tied to a table, biases and a scale.
   */
  private static SameDiff network() {
    Nd4j.getRandom().setSeed(5);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2, 4, 3);
    SDVariable i = sd.placeHolder("i", DataType.INT32, -1, 2);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    Conv2DConfig config =
        Conv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).pH(1).pW(1).dH(1).dW(1).build();
    SDVariable b = sd.var("b", Graphs.random(2));
    SDVariable z =
        sd.math().tanh(sd.cnn().conv2d(x, sd.var("w", Graphs.random(2, 2, 2, 2)), b, config));
    SDVariable d =
        sd.math().tanh(sd.cnn().depthWiseConv2d(z, sd.var("d", Graphs.random(2, 2, 2, 2)), config));
    SDVariable seen = d.mean(2, 3).reshape(-1, 4);
    SDVariable t = sd.var("t", Graphs.random(5, 2));
    SDVariable table = sd.math().tanh(sd.gather(t, i, 0)).reshape(-1, 4);
    SDVariable u = sd.var("u", Graphs.random(4, 4));
    SDVariable h = sd.math().tanh(seen.add(table).mmul(u));
    SDVariable again = sd.math().tanh(h.mmul(u)).mul(sd.var("s", Graphs.random(1, 4)));
    SDVariable dense = sd.math().tanh(again.mmul(sd.var("v", Graphs.random(2, 4)).permute(1, 0)));
    SDVariable tied = dense.mmul(t.permute(1, 0)); // [N, 5]
    SDVariable out = tied.mmul(sd.var("o", Graphs.random(5, 3))).add(sd.var("c", Graphs.random(3)));
    sd.loss().softmaxCrossEntropy("loss", y, out.rename("z"), null);
    return sd;
  }

  private static final List<String> PARAMETERS =
      List.of("w", "b", "d", "t", "u", "s", "v", "o", "c");

  /** For each weight its axes, those of the outputs first. */
  private static final Map<String, int[]> AXES =
      Map.of(
          "w", new int[] {3, 0, 1, 2},
          "d", new int[] {2, 3, 0, 1},
          "u", new int[] {1, 0},
          "v", new int[] {0, 1},
          "o", new int[] {1, 0});

  private static Map<String, INDArray> feeds() {
    Map<String, INDArray> feeds = new HashMap<>();
    feeds.put("x", Graphs.random(N, 2, 4, 3));
    feeds.put("i", Nd4j.createFromArray(new int[][] {{0, 1}, {1, 1}, {4, 0}, {1, 3}}));
    feeds.put("y", Graphs.oneHot(N, 3));
    return feeds;
  }

  private static long[] with(long first, long[] shape) {
    return LongStream.concat(LongStream.of(first), LongStream.of(shape)).toArray();
  }

  private static Map<String, INDArray> evaluated(ExtendedGraph graph, Map<String, INDArray> feeds) {
    return Checked.inEveryWay(graph, feeds, new ArrayList<>(graph.outputNames()));
  }

  private static Map<String, INDArray> rows(SameDiff sd, Map<String, INDArray> feeds) {
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      return graph.output(feeds, graph.outputNames());
    }
  }

  private static void compare(String name, INDArray value, INDArray expected) {
    assertThat(value.shape()).as(name).isEqualTo(expected.shape());
    assertThat(value.sub(expected).amaxNumber().doubleValue())
        .as(name)
        .isLessThan(1e-12 * Math.max(1, expected.amaxNumber().doubleValue()));
  }

  private static void products(SameDiff sd, Map<String, INDArray> feeds, int vectors) {
    Map<String, INDArray> fed = new HashMap<>(feeds);
    int rows = Math.max(1, vectors);
    Map<String, INDArray> given = new HashMap<>();
    for (String p : PARAMETERS) {
      long[] shape = sd.getVariable(p).getArr().shape();
      INDArray u = Graphs.random(rows, sd.getVariable(p).getArr().length());
      given.put(p, u);
      fed.put(
          p + ".grad_product.vectors", u.reshape('c', vectors == 0 ? shape : with(rows, shape)));
    }
    Map<String, INDArray> samples = rows(sd, feeds);
    Extension extension = vectors == 0 ? new GradProduct() : new GradProduct(vectors);
    for (long budget : new long[] {1L << 30, 1}) {
      try (ExtendedGraph graph = BackPack.on(sd).memoryBudget(budget).extend(extension)) {
        Map<String, INDArray> out =
            budget == 1 ? graph.output(fed, graph.outputNames()) : evaluated(graph, fed);
        INDArray all = Nd4j.zeros(DataType.DOUBLE, N, rows);
        for (String p : PARAMETERS) {
          INDArray g = samples.get(p + ".grad_batch").dup('c').reshape(N, -1);
          INDArray expected = g.mmul(given.get(p).transpose());
          all.addi(expected);
          compare(p, out.get(p + ".grad_product"), vectors == 0 ? expected.reshape(N) : expected);
        }
        compare("all", out.get("grad_product"), vectors == 0 ? all.reshape(N) : all);
      }
    }
  }

  @Test
  void areProductsWithRows() {
    products(network(), feeds(), VECTORS);
    products(network(), feeds(), 0);
  }

  /** A dense layer and a table that is looked up in have no gradient of a sample on the way. */
  @Test
  void doWithoutRowsWhereFactorsAreCheaper() {
    SameDiff sd = SameDiff.create();
    SDVariable i = sd.placeHolder("i", DataType.INT32, -1, 2);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    int rows = 10_000;
    SDVariable t = sd.var("t", Graphs.random(rows, 2));
    SDVariable v = sd.var("v", Graphs.random(4, 3));
    SDVariable z = sd.math().tanh(sd.gather(t, i, 0)).reshape(-1, 4).mmul(v);
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    Map<String, INDArray> feeds = feeds();
    feeds.remove("x");
    feeds.put("t.grad_product.vectors", Graphs.random(1, rows, 2));
    feeds.put("v.grad_product.vectors", Graphs.random(1, 4, 3));
    feeds.put("t.grad_quadratic.Q_B", orthogonal(2));
    feeds.put("t.grad_quadratic.weights", Graphs.random(2, rows));
    feeds.put("v.grad_quadratic.Q_B", orthogonal(3));
    feeds.put("v.grad_quadratic.Q_A", orthogonal(4));
    feeds.put("v.grad_quadratic.weights", Graphs.random(3, 4));
    try (ExtendedGraph graph =
        BackPack.on(sd).memoryBudget(1L << 30).extend(new GradProduct(1), new GradQuadratic())) {
      long bytes = graph.memory(feeds, List.of("grad_product", "grad_quadratic")).total();
      // what is fed is copied and transposed, once each; a row for each sample would be twice that
      assertThat(bytes).isLessThan(8L * N * rows * 2);
    }
  }

  /** Of cotangents that are fed, by the Jacobian's products with the same vectors. */
  @Test
  void areProductsWithTheJacobian() {
    SameDiff sd = network();
    Map<String, INDArray> feeds = new HashMap<>(feeds());
    INDArray z = Graphs.random(N, 3);
    feeds.put("z.vector", z);
    for (String p : PARAMETERS) {
      INDArray u = Graphs.random(with(VECTORS, sd.getVariable(p).getArr().shape()));
      feeds.put(p + ".vjp_product.vectors", u);
    }
    Map<String, INDArray> out;
    try (ExtendedGraph graph = BackPack.extend(sd, GradProduct.ofCotangents(VECTORS))) {
      out = evaluated(graph, feeds);
    }
    feeds.remove("z.vector");
    for (String p : PARAMETERS) {
      feeds.put(p + ".vector", feeds.remove(p + ".vjp_product.vectors"));
    }
    try (ExtendedGraph graph = BackPack.extend(sd, new JacobianProduct(VECTORS))) {
      INDArray tangents = graph.output(feeds, "z.jvp").get("z.jvp"); // [N, V, 3]
      INDArray expected = Nd4j.zeros(DataType.DOUBLE, N, VECTORS);
      for (int n = 0; n < N; n++) {
        expected.putRow(n, tangents.slice(n).mmul(z.getRow(n).reshape(3, 1)).reshape(VECTORS));
      }
      compare("all", out.get("vjp_product"), expected);
    }
  }

  private static INDArray orthogonal(long size) {
    INDArray random = Graphs.random(size, size);
    return Nd4j.createFromArray(
        new QRDecomposition(new Array2DRowRealMatrix(random.toDoubleMatrix())).getQ().getData());
  }

  @Test
  void areQuadraticFormsInABasis() {
    SameDiff sd = network();
    Map<String, INDArray> fed = feeds();
    Map<String, INDArray> samples = rows(sd, fed);
    Map<String, INDArray> expected = new HashMap<>();
    for (String p : PARAMETERS) {
      INDArray g = samples.get(p + ".grad_batch");
      int[] axes = AXES.get(p);
      INDArray squares;
      INDArray weights;
      if (axes != null) {
        int[] order = new int[axes.length + 1];
        for (int k = 0; k < axes.length; k++) {
          order[k + 1] = axes[k] + 1;
        }
        INDArray turned = g.permute(order).dup('c');
        long o = p.equals("d") ? turned.size(1) * turned.size(2) : turned.size(1);
        turned = turned.reshape('c', N, o, -1);
        INDArray qb = orthogonal(o);
        INDArray qa = orthogonal(turned.size(2));
        fed.put(p + ".grad_quadratic.Q_B", qb);
        fed.put(p + ".grad_quadratic.Q_A", qa);
        weights = Nd4j.rand(DataType.DOUBLE, o, turned.size(2));
        squares = Nd4j.create(DataType.DOUBLE, N, weights.length());
        for (int n = 0; n < N; n++) {
          INDArray m = qb.transpose().mmul(turned.slice(n)).mmul(qa);
          squares.putRow(n, m.mul(m).dup('c').reshape(-1));
        }
      } else {
        INDArray flat = g.dup('c').reshape(N, -1);
        INDArray q = orthogonal(flat.size(1));
        fed.put(p + ".grad_quadratic.Q_B", q);
        INDArray m = flat.mmul(q);
        squares = m.mul(m);
        weights = Nd4j.rand(DataType.DOUBLE, new long[] {flat.size(1)});
      }
      fed.put(p + ".grad_quadratic.weights", weights);
      expected.put(p, squares.mmul(weights.dup('c').reshape(-1, 1)).reshape(N));
    }
    quadratics(sd, new GradQuadratic(), fed, expected);
  }

  @Test
  void areQuadraticFormsInTheirOwnBasis() {
    SameDiff sd = network();
    Map<String, INDArray> fed = feeds();
    Map<String, INDArray> samples = rows(sd, fed);
    Map<String, INDArray> expected = new HashMap<>();
    for (String p : PARAMETERS) {
      INDArray weights = Nd4j.rand(DataType.DOUBLE, sd.getVariable(p).getArr().shape());
      fed.put(p + ".grad_quadratic.weights", weights);
      INDArray flat = samples.get(p + ".grad_batch").dup('c').reshape(N, -1);
      expected.put(p, flat.mul(flat).mmul(weights.dup('c').reshape(-1, 1)).reshape(N));
    }
    quadratics(sd, GradQuadratic.diagonal(), fed, expected);
  }

  private static void quadratics(
      SameDiff sd, Extension extension, Map<String, INDArray> fed, Map<String, INDArray> expected) {
    for (long budget : new long[] {1L << 30, 1}) {
      try (ExtendedGraph graph = BackPack.on(sd).memoryBudget(budget).extend(extension)) {
        Map<String, INDArray> out =
            budget == 1 ? graph.output(fed, graph.outputNames()) : evaluated(graph, fed);
        INDArray all = Nd4j.zeros(DataType.DOUBLE, N);
        for (String p : PARAMETERS) {
          compare(p, out.get(p + ".grad_quadratic"), expected.get(p));
          all.addi(expected.get(p));
        }
        compare("all", out.get("grad_quadratic"), all);
      }
    }
  }

  /** A table alone has rows for the inputs, and no basis of them. */
  @Test
  void areOfATable() {
    SameDiff sd = SameDiff.create();
    SDVariable i = sd.placeHolder("i", DataType.INT32, -1, 2);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable t = sd.var("t", Graphs.random(5, 2));
    SDVariable z = sd.math().tanh(sd.gather(t, i, 0)).reshape(-1, 4);
    sd.loss().softmaxCrossEntropy("loss", y, z.mmul(sd.constant(Graphs.random(4, 3))), null);
    Map<String, INDArray> feeds = new HashMap<>(feeds());
    feeds.remove("x");
    INDArray g = rows(sd, feeds).get("t.grad_batch"); // [N, 5, 2]
    INDArray q = orthogonal(2);
    INDArray weights = Nd4j.rand(DataType.DOUBLE, 2, 5);
    feeds.put("t.grad_quadratic.Q_B", q);
    feeds.put("t.grad_quadratic.weights", weights);
    INDArray expected = Nd4j.zeros(DataType.DOUBLE, N);
    for (int n = 0; n < N; n++) {
      INDArray m = g.slice(n).mmul(q);
      expected.putScalar(n, m.mul(m).mul(weights.transpose()).sumNumber().doubleValue());
    }
    INDArray u = Graphs.random(VECTORS, 5, 2);
    feeds.put("t.grad_product.vectors", u);
    INDArray products = g.dup('c').reshape(N, 10).mmul(u.dup('c').reshape(VECTORS, 10).transpose());
    try (ExtendedGraph graph = BackPack.extend(sd, new GradQuadratic(), new GradProduct(VECTORS))) {
      Map<String, INDArray> out = evaluated(graph, feeds);
      compare("t", out.get("t.grad_quadratic"), expected);
      compare("t products", out.get("t.grad_product"), products);
    }
  }

  @Test
  void refuseNoVectors() {
    assertThatThrownBy(() -> new GradProduct(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("At least one vector");
  }
}
