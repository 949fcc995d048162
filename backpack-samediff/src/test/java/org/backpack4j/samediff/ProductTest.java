package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.FisherProduct;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.HessianProduct;
import org.backpack4j.samediff.extension.PCHProduct;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.extension.SqrtGGNMC;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Products of matrices with vectors that are fed. */
class ProductTest {
  private static final int N = 3;

  private static List<String> parameters(SameDiff sd) {
    return sd.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.VARIABLE)
        .map(SDVariable::name)
        .toList();
  }

  private static Map<String, INDArray> evaluated(
      SameDiff sd, Map<String, INDArray> feeds, Extension... extensions) {
    Map<String, INDArray> fed = new HashMap<>(feeds);
    fed.keySet().removeIf(name -> name.endsWith(".vector"));
    Checked.checkNumbers(feeds, BackPack.on(sd), BruteForce.on(sd, fed), extensions);
    try (ExtendedGraph graph = BackPack.extend(sd, extensions)) {
      return new HashMap<>(Checked.inEveryWay(graph, feeds, new ArrayList<>(graph.outputNames())));
    }
  }

  private static Map<String, INDArray> withVectors(
      SameDiff sd, Map<String, INDArray> feeds, int vectors) {
    Map<String, INDArray> all = new HashMap<>(feeds);
    for (String p : parameters(sd)) {
      long[] shape = sd.getVariable(p).getArr().shape();
      long[] several = new long[shape.length + 1];
      System.arraycopy(shape, 0, several, 1, shape.length);
      several[0] = vectors;
      all.put(p + ".vector", Graphs.random(vectors == 0 ? shape : several));
    }
    return all;
  }

  private static void assertSame(INDArray actual, INDArray expected, double tolerance) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.sub(expected).amaxNumber().doubleValue())
        .isLessThanOrEqualTo(tolerance * expected.amaxNumber().doubleValue());
  }

  /** Uᵀ U v of the exact square root U, all parameters together; several vectors at once. */
  @Test
  void areThoseOfTheSquareRoot() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = withVectors(sd, Graphs.feeds(N), 2);
    Map<String, INDArray> out = evaluated(sd, feeds, new GGNProduct(2), new SqrtGGNExact());
    Map<String, INDArray> rows = new HashMap<>();
    INDArray along = null;
    for (String p : parameters(sd)) {
      INDArray root = out.get(p + ".sqrt_ggn_exact").dup('c');
      rows.put(p, root.reshape(root.size(0) * root.size(1), -1));
      INDArray v = feeds.get(p + ".vector").dup('c').reshape(2, -1);
      INDArray part = rows.get(p).mmul(v.transpose());
      along = along == null ? part : along.add(part);
    }
    for (String p : parameters(sd)) {
      INDArray product = out.get(p + ".ggn_vector_product");
      assertThat(product.size(0)).isEqualTo(2);
      INDArray expected = along.transpose().mmul(rows.get(p));
      assertSame(product.dup('c').reshape(2, -1), expected, 1e-12);
    }
  }

  /** A skip, a product of branches, attention, a convolution and a weight that is used twice. */
  private static SameDiff network() {
    Nd4j.getRandom().setSeed(6);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 1, 3, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    Conv2DConfig config =
        Conv2DConfig.builder().kH(2).kW(2).sH(1).sW(1).pH(0).pW(0).dH(1).dW(1).build();
    SDVariable k = sd.var("k", Graphs.random(2, 2, 1, 2));
    SDVariable seen = sd.math().tanh(sd.cnn().conv2d(x, k, config)).reshape(-1, 4, 3);
    SDVariable w = sd.var("w", Graphs.random(3, 3));
    SDVariable a = seen.reshape(-1, 3).mmul(w);
    SDVariable b = sd.math().tanh(a).mmul(w).mul(sd.nn().sigmoid(a)).add(a).reshape(-1, 4, 3);
    SDVariable scores = sd.nn().softmax(sd.mmul(b, seen, false, true, false), 2);
    SDVariable mixed = sd.mmul(scores, b).mean(1);
    SDVariable g = sd.var("g", Graphs.random(1, 3));
    sd.loss().softmaxCrossEntropy("loss", y, mixed.mul(sd.math().exp(g)), null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    return Map.of("x", Graphs.random(N, 1, 3, 4), "y", Graphs.oneHot(N, 3));
  }

  /** The derivative of the gradient along the vector. */
  @Test
  void areDerivativesOfTheGradient() {
    compareWithDifferences(network(), feeds());
  }

  /** Of one hidden layer: what the function's own curvature adds is made positive. */
  @ParameterizedTest
  @EnumSource(PCHProduct.Modification.class)
  void positiveCurvatureIsThatOfTheFormula(PCHProduct.Modification modification) {
    Nd4j.getRandom().setSeed(12);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    INDArray w = Graphs.random(2, 4);
    INDArray v = Graphs.random(4, 3).muli(2);
    SDVariable h = sd.math().tanh(x.mmul(sd.var("w", w)));
    sd.loss().softmaxCrossEntropy("loss", y, h.mmul(sd.constant(v)), null);
    Map<String, INDArray> feeds =
        withVectors(sd, Map.of("x", Graphs.random(N, 2), "y", Graphs.oneHot(N, 3)), 2);
    Map<String, INDArray> out = evaluated(sd, feeds, new PCHProduct(modification, 2));
    INDArray vectors = feeds.get("w.vector");
    INDArray expected = Nd4j.zeros(DataType.DOUBLE, 2, 2, 4);
    int negative = 0;
    for (int n = 0; n < N; n++) {
      INDArray row = feeds.get("x").getRow(n, true);
      INDArray a = Transforms.tanh(row.mmul(w));
      INDArray p = Transforms.softmax(a.mmul(v));
      INDArray g = p.sub(feeds.get("y").getRow(n, true)).mmul(v.transpose());
      INDArray first = a.mul(a).rsub(1);
      INDArray own = first.mul(a).mul(-2).mul(g); // tanh'' times the gradient
      INDArray curved = Nd4j.diag(p.reshape(3)).sub(p.transpose().mmul(p));
      INDArray outer = v.mmul(curved).mmul(v.transpose());
      INDArray block = outer.mul(first.transpose().mmul(first));
      for (int k = 0; k < 4; k++) {
        double part = own.getDouble(k);
        negative += part < 0 ? 1 : 0;
        double positive =
            modification == PCHProduct.Modification.CLIP ? Math.max(0, part) : Math.abs(part);
        block.putScalar(k, k, block.getDouble(k, k) + positive);
      }
      for (int k = 0; k < 2; k++) {
        INDArray tangent = row.mmul(vectors.slice(k));
        expected.slice(k).addi(row.transpose().mmul(tangent.mmul(block)).div(N));
      }
    }
    assertThat(negative).isPositive();
    assertSame(out.get("w.pch_vector_product"), expected, 1e-12);
  }

  /** The second moment of the samples' gradients, all parameters together. */
  @Test
  void empiricalFisherIsThatOfTheGradients() {
    SameDiff sd = network();
    for (int count : new int[] {0, 2}) {
      Map<String, INDArray> feeds = withVectors(sd, feeds(), count);
      FisherProduct product = count == 0 ? new FisherProduct() : new FisherProduct(count);
      Map<String, INDArray> out = evaluated(sd, feeds, product, new BatchGrad());
      int vectors = Math.max(1, count);
      INDArray along = Nd4j.zeros(DataType.DOUBLE, N, vectors);
      for (String p : parameters(sd)) {
        INDArray g = out.get(p + ".grad_batch").dup('c').reshape(N, -1);
        along.addi(g.mmul(feeds.get(p + ".vector").dup('c').reshape(vectors, -1).transpose()));
      }
      for (String p : parameters(sd)) {
        INDArray g = out.get(p + ".grad_batch").dup('c').reshape(N, -1);
        INDArray expected = along.transpose().mmul(g);
        INDArray found = out.get(p + ".fisher_vector_product");
        assertThat(found.shape()).isEqualTo(feeds.get(p + ".vector").shape());
        assertSame(found.dup('c').reshape(vectors, -1), expected, 1e-12);
      }
    }
  }

  /** With the labels of the same draw it is that of the sampled square root. */
  @Test
  void sampledFisherIsThatOfItsColumns() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = withVectors(sd, Graphs.feeds(N), 0);
    try (ExtendedGraph graph = BackPack.extend(sd, FisherProduct.sampled(2, 4));
        ExtendedGraph root = BackPack.extend(sd, new SqrtGGNMC(2, 4))) {
      Map<String, INDArray> out = graph.output(feeds, graph.outputNames());
      Map<String, INDArray> plain = new HashMap<>(feeds);
      plain.keySet().removeIf(name -> name.endsWith(".vector"));
      Map<String, INDArray> columns = root.output(plain, root.outputNames());
      INDArray along = Nd4j.zeros(DataType.DOUBLE, 2 * N, 1);
      for (String p : parameters(sd)) {
        INDArray rows = columns.get(p + ".sqrt_ggn_mc").dup('c').reshape(2 * N, -1);
        along.addi(rows.mmul(feeds.get(p + ".vector").dup('c').reshape(-1, 1)));
      }
      for (String p : parameters(sd)) {
        INDArray rows = columns.get(p + ".sqrt_ggn_mc").dup('c').reshape(2 * N, -1);
        INDArray found = out.get(p + ".fisher_vector_product_mc");
        assertSame(found.dup('c').reshape(1, -1), along.transpose().mmul(rows), 1e-12);
      }
    }
  }

  private interface Pair {
    SDVariable of(SameDiff sd, SDVariable x, SDVariable w);
  }

  static Stream<Arguments> pairs() {
    return Stream.of(
        pair("add", (sd, x, w) -> x.add(w)),
        pair("atan2", (sd, x, w) -> sd.math().atan2(x, w)),
        pair("biasAdd", (sd, x, w) -> sd.nn().biasAdd(x, w.reshape(3), true)),
        pair("div", (sd, x, w) -> x.div(w)),
        pair("layerNorm", (sd, x, w) -> sd.nn().layerNorm(x, w.reshape(3), true, 1)),
        pair("maximum", (sd, x, w) -> sd.math().max(x.add(w.mul(0)), w.add(x.mul(0)))),
        pair("mmul", (sd, x, w) -> x.mmul(sd.math().tanh(w.reshape(3, 1)).mmul(w))),
        pair("pow", (sd, x, w) -> sd.math().pow(sd.math().square(x).add(0.5), w)),
        pair("rdiv", (sd, x, w) -> w.div(x.add(3))),
        pair("softmax", (sd, x, w) -> sd.nn().softmax(x.mul(w), 1)),
        pair("squaredDifference", (sd, x, w) -> x.squaredDifference(w)),
        pair("standardize", (sd, x, w) -> sd.math().standardize(x.mul(w), 1)));
  }

  private static Arguments pair(String name, Pair pair) {
    return Arguments.of(name, pair);
  }

  /** An activation and a weight in one op, whose mixed second derivative matters. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("pairs")
  void ofActivationsAndWeights(String name, Pair pair) {
    Nd4j.getRandom().setSeed(8);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable h = sd.math().tanh(x.mmul(sd.var("v", Graphs.random(3, 3))));
    SDVariable w = sd.var("w", Nd4j.rand(DataType.DOUBLE, 1, 3).addi(0.7));
    SDVariable z = sd.math().tanh(pair.of(sd, h, w));
    sd.loss().softmaxCrossEntropy("loss", y, z.mmul(sd.constant(Graphs.random(3, 3))), null);
    compareWithDifferences(sd, Map.of("x", Graphs.random(N, 3), "y", Graphs.oneHot(N, 3)));
  }

  /** Whose mixed second derivative is not known, is refused by name. */
  @Test
  void refusesPairsThatAreNotKnown() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable h = x.mmul(sd.var("w", Graphs.random(3, 3)));
    SDVariable z = sd.nn().prelu(h, sd.var("alpha", Graphs.random(1)), 1);
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    assertThatThrownBy(() -> BackPack.extend(sd, new HessianProduct()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("prelu")
        .hasMessageContaining("hessian_vector_product")
        .hasMessageContaining("ask for the generalised Gauss-Newton matrix");
  }

  private static void compareWithDifferences(SameDiff sd, Map<String, INDArray> plain) {
    Map<String, INDArray> feeds = withVectors(sd, plain, 0);
    Map<String, INDArray> out = evaluated(sd, feeds, new HessianProduct());
    double step = 1e-5;
    Map<String, INDArray> difference = new HashMap<>();
    try (ExtendedGraph gradient = BackPack.extend(sd)) {
      for (int side : new int[] {1, -1}) {
        parameters(sd).forEach(p -> move(sd, feeds, p, side * step));
        gradient
            .output(plain, gradient.outputNames())
            .forEach(
                (name, array) ->
                    difference.merge(name, array.mul(side / (2 * step)), INDArray::add));
        parameters(sd).forEach(p -> move(sd, feeds, p, -side * step));
      }
    }
    for (String p : parameters(sd)) {
      assertSame(out.get(p + ".hessian_vector_product"), difference.get(p + ".grad"), 1e-6);
    }
  }

  private static void move(SameDiff sd, Map<String, INDArray> feeds, String p, double step) {
    sd.getVariable(p).getArr().addi(feeds.get(p + ".vector").mul(step));
  }

  /** With unit vectors the Hessian's products have its diagonal. */
  @Test
  void haveTheDiagonal() {
    SameDiff sd = network();
    Map<String, INDArray> feeds = new HashMap<>(withVectors(sd, feeds(), 9));
    for (String p : parameters(sd)) {
      feeds.get(p + ".vector").assign(0);
    }
    for (int k = 0; k < 9; k++) {
      feeds.get("w.vector").putScalar(new long[] {k, k / 3, k % 3}, 1);
    }
    Map<String, INDArray> out =
        evaluated(sd, feeds, new HessianProduct(9), new GGNProduct(9), new DiagHessian());
    INDArray products = out.get("w.hessian_vector_product");
    INDArray diagonal = out.get("w.diag_h").dup();
    for (int k = 0; k < 9; k++) {
      diagonal.putScalar(new long[] {k / 3, k % 3}, products.getDouble(k, k / 3, k % 3));
    }
    assertSame(diagonal, out.get("w.diag_h"), 1e-12);
  }

  /** What the predictions do along the vector comes beside the product. */
  @Test
  void comeWithTheDerivativeOfThePredictions() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable z = x.mmul("z", sd.var("w", Graphs.random(4, 2)));
    sd.loss().meanSquaredError("loss", y, z, null);
    Map<String, INDArray> feeds =
        withVectors(sd, Map.of("x", Graphs.random(N, 4), "y", Graphs.random(N, 2)), 0);
    try (ExtendedGraph graph = BackPack.extend(sd, new GGNProduct())) {
      INDArray tangent = graph.output(feeds, "z.jvp").get("z.jvp");
      assertSame(tangent.reshape(N, 2), feeds.get("x").mmul(feeds.get("w.vector")), 1e-12);
    }
  }

  @Test
  void missingVectorsAreNamed() {
    SameDiff sd = Graphs.perceptron();
    try (ExtendedGraph graph = BackPack.extend(sd, new GGNProduct())) {
      assertThatThrownBy(() -> graph.output(Graphs.feeds(N), graph.outputNames()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(".vector");
      assertThat(graph.output(Graphs.feeds(N), "loss")).containsKey("loss"); // needs none
    }
    assertThatThrownBy(() -> new HessianProduct(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("At least one vector");
  }
}
