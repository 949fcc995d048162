package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.GramGGN;
import org.backpack4j.samediff.extension.Jacobian;
import org.backpack4j.samediff.extension.JacobianProduct;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.extension.SqrtGGNProduct;
import org.backpack4j.samediff.extension.TransposedJacobianProduct;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/** Jacobians by parameters, inputs and activations, their products, and Gram matrices. */
class JacobianTest {
  private static final int N = 3;
  private static final List<String> PARAMETERS = List.of("k", "w", "b", "g");

  /** Two losses of two heads, one of which not every parameter reaches; a skip; a shared weight. */
  private static SameDiff network() {
    Nd4j.getRandom().setSeed(16);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 1, 3, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable t = sd.placeHolder("t", DataType.DOUBLE, -1, 2);
    Conv2DConfig config =
        Conv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).pH(0).pW(0).dH(1).dW(1).build();
    SDVariable k = sd.var("k", Graphs.random(2, 2, 1, 2));
    SDVariable seen = sd.math().tanh(sd.cnn().conv2d(x, k, config)).reshape(-1, 12);
    SDVariable w = sd.var("w", Graphs.random(12, 3));
    SDVariable b = sd.var("b", Graphs.random(3));
    SDVariable h = sd.math().tanh("h", seen.mmul(w).add(b));
    SDVariable g = sd.var("g", Graphs.random(3, 3));
    SDVariable logits = h.mmul(g).add("logits", h);
    SDVariable other = seen.mmul("other", sd.constant("c", Graphs.random(12, 2)));
    sd.loss().softmaxCrossEntropy("loss", y, logits, null);
    sd.loss().meanSquaredError("error", t, other, null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    Map<String, INDArray> feeds = new HashMap<>();
    feeds.put("x", Graphs.random(N, 1, 3, 4));
    feeds.put("y", Graphs.oneHot(N, 3));
    feeds.put("t", Graphs.random(N, 2));
    return feeds;
  }

  private static Map<String, INDArray> evaluated(
      BackPack.Builder builder, Map<String, INDArray> feeds, Extension... extensions) {
    try (ExtendedGraph graph = builder.extend(extensions)) {
      return new HashMap<>(Checked.inEveryWay(graph, feeds, new ArrayList<>(graph.outputNames())));
    }
  }

  private static void assertSame(INDArray actual, INDArray expected, double tolerance) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.sub(expected).amaxNumber().doubleValue())
        .isLessThanOrEqualTo(tolerance * Math.max(1e-3, expected.amaxNumber().doubleValue()));
  }

  /** The predictions of all samples as [N, 5]. */
  private static INDArray predictions(SameDiff sd, Map<String, INDArray> feeds) {
    Map<String, INDArray> out = sd.output(feeds, "logits", "other");
    return Nd4j.concat(1, out.get("logits"), out.get("other"));
  }

  private static INDArray flat(INDArray a, int axes) {
    long rows = 1;
    for (int k = 0; k < axes; k++) {
      rows *= a.size(k);
    }
    return a.dup('c').reshape(rows, -1);
  }

  @Test
  void byParametersIsThatOfDifferences() {
    SameDiff sd = network();
    Map<String, INDArray> feeds = feeds();
    Map<String, INDArray> out = evaluated(BackPack.on(sd), feeds, new Jacobian());
    double step = 1e-5;
    for (String p : PARAMETERS) {
      INDArray array = sd.getVariable(p).getArr();
      INDArray jacobian = out.get(p + ".jacobian").dup('c').reshape(N, 5, array.length());
      for (long i = 0; i < array.length(); i++) {
        double old = array.getDouble(i);
        array.putScalar(i, old + step);
        INDArray up = predictions(sd, feeds);
        array.putScalar(i, old - step);
        INDArray down = predictions(sd, feeds);
        array.putScalar(i, old);
        INDArray column = Nd4j.create(DataType.DOUBLE, N, 5);
        for (int n = 0; n < N; n++) {
          for (int v = 0; v < 5; v++) {
            column.putScalar(n, v, jacobian.getDouble(n, v, i));
          }
        }
        assertSame(column, up.sub(down).div(2 * step), 1e-7);
      }
    }
  }

  @Test
  void byInputsAndActivationsIsThatOfDifferences() {
    SameDiff sd = network();
    Map<String, INDArray> feeds = feeds();
    Map<String, INDArray> out =
        evaluated(
            BackPack.on(sd).variables("x", "h", "logits"),
            feeds,
            new Jacobian(),
            new BatchGrad(),
            new BatchL2Grad(),
            new DiagGGNExact(),
            new DiagHessian());
    double step = 1e-5;
    INDArray x = feeds.get("x");
    INDArray jacobian = out.get("x.jacobian");
    assertThat(jacobian.shape()).containsExactly(N, 5, 1, 3, 4);
    assertThat(out.get("x.grad").shape()).containsExactly(N, 1, 3, 4);
    assertSame(out.get("x.grad_batch"), out.get("x.grad"), 0);
    assertSame(
        out.get("x.batch_l2"),
        flat(out.get("x.grad"), 1).mul(flat(out.get("x.grad"), 1)).sum(1),
        1e-12);
    for (long i = 0; i < x.length(); i++) {
      double old = x.getDouble(i);
      x.putScalar(i, old + step);
      INDArray up = predictions(sd, feeds);
      double above = loss(sd, feeds);
      x.putScalar(i, old - step);
      INDArray down = predictions(sd, feeds);
      double below = loss(sd, feeds);
      x.putScalar(i, old);
      INDArray by = up.sub(down).div(2 * step);
      int n = (int) (i / 12);
      for (int v = 0; v < 5; v++) {
        double own = flat(jacobian, 2).getDouble(n * 5L + v, i % 12);
        assertThat(own).isCloseTo(by.getDouble(n, v), org.assertj.core.data.Offset.offset(1e-7));
      }
      assertThat(out.get("x.grad").dup('c').getDouble(i))
          .isCloseTo((above - below) / (2 * step), org.assertj.core.data.Offset.offset(1e-7));
    }
    INDArray own = out.get("logits.jacobian");
    for (int n = 0; n < N; n++) {
      for (int v = 0; v < 5; v++) {
        for (int k = 0; k < 3; k++) {
          assertThat(own.getDouble(n, v, k)).isEqualTo(v == k ? 1 : 0);
        }
      }
    }
  }

  private static double loss(SameDiff sd, Map<String, INDArray> feeds) {
    Map<String, INDArray> out = sd.output(feeds, "loss", "error");
    return out.get("loss").getDouble(0) + out.get("error").getDouble(0);
  }

  @Test
  void productsAreThoseOfTheJacobian() {
    SameDiff sd = network();
    for (int vectors : new int[] {0, 2}) {
      Map<String, INDArray> feeds = feeds();
      for (String p : PARAMETERS) {
        long[] shape = sd.getVariable(p).getArr().shape();
        feeds.put(p + ".vector", Graphs.random(several(vectors, shape)));
      }
      feeds.put("logits.vector", cotangent(vectors, 3));
      feeds.put("other.vector", cotangent(vectors, 2));
      Map<String, INDArray> out =
          evaluated(
              BackPack.on(sd),
              feeds,
              vectors == 0 ? new JacobianProduct() : new JacobianProduct(vectors),
              vectors == 0
                  ? new TransposedJacobianProduct()
                  : new TransposedJacobianProduct(vectors),
              new Jacobian());
      int count = Math.max(1, vectors);
      INDArray forward = Nd4j.zeros(DataType.DOUBLE, N * 5, count);
      INDArray u =
          Nd4j.concat(
              2,
              feeds.get("logits.vector").dup('c').reshape(N, count, 3),
              feeds.get("other.vector").dup('c').reshape(N, count, 2));
      for (String p : PARAMETERS) {
        INDArray jacobian = flat(out.get(p + ".jacobian"), 2);
        INDArray v = feeds.get(p + ".vector").dup('c').reshape(count, -1);
        forward.addi(jacobian.mmul(v.transpose()));
        INDArray back = u.permute(1, 0, 2).dup('c').reshape(count, N * 5).mmul(jacobian);
        assertSame(out.get(p + ".vjp").dup('c').reshape(count, -1), back, 1e-12);
        assertThat(out.get(p + ".vjp").shape())
            .isEqualTo(several(vectors, sd.getVariable(p).getArr().shape()));
      }
      INDArray expected = forward.dup('c').reshape(N, 5, count).permute(0, 2, 1).dup('c');
      INDArray jvp =
          Nd4j.concat(
              2,
              out.get("logits.jvp").dup('c').reshape(N, count, 3),
              out.get("other.jvp").dup('c').reshape(N, count, 2));
      assertSame(jvp, expected, 1e-12);
      assertThat(out.get("logits.jvp").shape())
          .isEqualTo(vectors == 0 ? new long[] {N, 3} : new long[] {N, vectors, 3});
    }
  }

  /** Vectors of one name have one shape. */
  @Test
  void refusesDifferentNumbersOfVectors() {
    assertThatThrownBy(() -> BackPack.extend(network(), new GGNProduct(2), new JacobianProduct()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(".vector\"")
        .hasMessageContaining("once for each");
  }

  private static long[] several(int vectors, long[] shape) {
    if (vectors == 0) {
      return shape;
    }
    long[] all = new long[shape.length + 1];
    System.arraycopy(shape, 0, all, 1, shape.length);
    all[0] = vectors;
    return all;
  }

  private static INDArray cotangent(int vectors, int width) {
    return vectors == 0 ? Graphs.random(N, width) : Graphs.random(N, vectors, width);
  }

  /** Every parameter has the columns of both losses, in one order, also those that are zero. */
  @Test
  void gramMatricesAreThoseOfTheSquareRoot() {
    SameDiff sd = network();
    Map<String, INDArray> feeds = feeds();
    int sums = 2;
    int columns = 4;
    feeds.put(SqrtGGNProduct.WEIGHTS, Graphs.random(N, sums, columns));
    Map<String, INDArray> out =
        evaluated(
            BackPack.on(sd),
            feeds,
            new SqrtGGNExact(),
            new GramGGN(),
            new GramGGN(Columns.GRADIENT),
            new SqrtGGNProduct(sums),
            new BatchGrad());
    INDArray total = Nd4j.zeros(DataType.DOUBLE, N * columns, N * columns);
    INDArray gradients = Nd4j.zeros(DataType.DOUBLE, N, N);
    INDArray e = feeds.get(SqrtGGNProduct.WEIGHTS).permute(1, 0, 2).dup('c');
    for (String p : PARAMETERS) {
      INDArray root = out.get(p + ".sqrt_ggn_exact");
      assertThat(root.size(0)).isEqualTo(columns);
      int[] order = new int[root.rank()];
      for (int k = 0; k < order.length; k++) {
        order[k] = k < 2 ? 1 - k : k;
      }
      INDArray rows = flat(root.permute(order), 2);
      INDArray gram = rows.mmul(rows.transpose());
      assertSame(out.get(p + ".gram_ggn"), gram, 1e-12);
      total.addi(gram);
      INDArray g = flat(out.get(p + ".grad_batch"), 1);
      gradients.addi(g.mmul(g.transpose()));
      assertSame(
          out.get(p + ".sqrt_ggn_product").dup('c').reshape(sums, -1),
          e.reshape(sums, N * columns).mmul(rows),
          1e-12);
    }
    assertSame(out.get("gram_ggn"), total, 1e-12);
    assertSame(out.get("gram_grad"), gradients, 1e-12);
  }

  /** A few samples at a time, where memory is scarce; the Gram matrix needs all of them. */
  @Test
  void areTheSameInPortions() {
    SameDiff sd = network();
    Map<String, INDArray> feeds = feeds();
    Extension[] all = {new Jacobian(), new GramGGN(), new GramGGN(Columns.GRADIENT)};
    Map<String, INDArray> whole = evaluated(BackPack.on(sd).variables("x", "h"), feeds, all);
    try (ExtendedGraph graph = BackPack.on(sd).variables("x", "h").memoryBudget(1).extend(all)) {
      Map<String, INDArray> portions = graph.output(feeds, graph.outputNames());
      whole.forEach((name, array) -> assertSame(portions.get(name), array, 1e-12));
    }
    feeds.put(SqrtGGNProduct.WEIGHTS, Graphs.random(N, 2, 4));
    Extension product = new SqrtGGNProduct(2);
    Map<String, INDArray> sums = evaluated(BackPack.on(sd), feeds, product);
    try (ExtendedGraph graph = BackPack.on(sd).memoryBudget(1).extend(product)) {
      Map<String, INDArray> portions = graph.output(feeds, graph.outputNames());
      sums.forEach((name, array) -> assertSame(portions.get(name), array, 1e-12));
    }
  }

  /** A loss without curvature has one column of zeros; a penalty has no column of a sample. */
  @Test
  void areZeroWhereThereIsNothing() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable w = sd.var("w", Graphs.random(3, 2));
    SDVariable u = sd.var("u", Graphs.random(4));
    sd.loss().absoluteDifference("loss", y, x.mmul(w), null);
    sd.math().square(u).sum("penalty");
    sd.setLossVariables("loss", "penalty");
    Map<String, INDArray> feeds = Map.of("x", Graphs.random(N, 3), "y", Graphs.random(N, 2));
    Map<String, INDArray> out =
        evaluated(
            BackPack.on(sd),
            feeds,
            new GramGGN(),
            new GramGGN(Columns.GRADIENT),
            new GramGGN(Columns.mixed(2, 1)),
            new SqrtGGNExact(),
            new SqrtGGNProduct(2),
            new BatchGrad());
    assertSame(out.get("gram_ggn"), Nd4j.zeros(DataType.DOUBLE, N, N), 0);
    assertSame(out.get("w.gram_ggn"), Nd4j.zeros(DataType.DOUBLE, N, N), 0);
    assertSame(out.get("gram_ggn_mc"), Nd4j.zeros(DataType.DOUBLE, 2 * N, 2 * N), 0);
    assertSame(out.get("w.gram_ggn_mc"), Nd4j.zeros(DataType.DOUBLE, 2 * N, 2 * N), 0);
    assertSame(out.get("w.sqrt_ggn_exact"), Nd4j.zeros(DataType.DOUBLE, 1, N, 3, 2), 0);
    assertSame(out.get("w.sqrt_ggn_product"), Nd4j.zeros(DataType.DOUBLE, 2, 3, 2), 0);
    assertSame(out.get("u.gram_grad"), Nd4j.zeros(DataType.DOUBLE, N, N), 0);
    INDArray g = flat(out.get("w.grad_batch"), 1);
    assertSame(out.get("gram_grad"), g.mmul(g.transpose()), 1e-12);
  }

  @Test
  void areEmptyWithoutSamples() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    sd.math().square("z", x.mmul(sd.var("w", Graphs.random(3, 2)))).sum("loss");
    sd.setLossVariables("loss");
    try (ExtendedGraph graph =
        BackPack.on(sd)
            .variables("x")
            .predictions("z")
            .extend(new Jacobian(), new GramGGN(Columns.GRADIENT))) {
      Map<String, INDArray> out =
          graph.output(Map.of("x", Nd4j.create(DataType.DOUBLE, 0, 3)), graph.outputNames());
      assertThat(out.get("x.grad").shape()).containsExactly(0, 3);
      assertThat(out.get("w.jacobian").shape()).containsExactly(0, 2, 3, 2);
      assertThat(out.get("gram_grad").length()).isZero();
    }
  }

  @Test
  void saysWhatVariablesCannotHave() {
    SameDiff sd = network();
    assertThatThrownBy(() -> BackPack.on(sd).variables("nothing").extend())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"nothing\"");
    assertThatThrownBy(() -> BackPack.on(sd).variables("w").extend())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("parameters(…)");
    assertThatThrownBy(() -> BackPack.on(sd).variables("c").extend())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("constant");
    try (ExtendedGraph graph = BackPack.on(sd).variables("x").extend(new GGNProduct())) {
      assertThat(graph.outputNames())
          .contains("w.ggn_vector_product", "x.grad")
          .doesNotContain("x.ggn_vector_product");
    }
    try (ExtendedGraph graph = BackPack.on(sd).parameters(p -> false).variables("h").extend()) {
      assertThat(graph.outputNames()).containsExactly("h.grad");
      assertThat(graph.parameters()).isEmpty();
    }
  }
}
