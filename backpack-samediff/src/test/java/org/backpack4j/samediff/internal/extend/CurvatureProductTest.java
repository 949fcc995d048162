package org.backpack4j.samediff.internal.extend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Cotangent;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.ReversePass;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.testing.AnnotatedGraph;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Products with the generalised Gauss-Newton matrix against those of its square root. */
class CurvatureProductTest {
  private static final String GRADIENT = "gradient";
  private static final int COLUMNS = 3;

  private static List<String> parameters(SameDiff sd) {
    return sd.variables().stream()
        .filter(v -> v.getVariableType() == VariableType.VARIABLE)
        .map(SDVariable::name)
        .toList();
  }

  /** Every node's curvature between predictions and loss, as the exact quantities have it. */
  private static List<HessianRoot> roots(
      Annotations graph,
      ExtensionPlan plan,
      ReversePass gradient,
      AnnotatedGraph rules,
      Node node) {
    NodeContext context = new NodeContext(graph, node);
    Rule rule = rules.rule(node);
    Tensor above = gradient.gradientAt(node.outputs().get(0), GRADIENT);
    return above == null || rule.hasZeroHessian(context, plan.active(node))
        ? List.of()
        : rule.hessianRoot(context, 0, above, plan.active(node));
  }

  /**
   * What was emitted for random directions.
   *
   * @param directions by parameter [V, P]
   * @param products by parameter [V, P]
   */
  private record Emitted(Map<String, INDArray> directions, Map<String, INDArray> products) {}

  private static Emitted emitted(SameDiff sd, Map<String, INDArray> feeds, String... predictions) {
    Nd4j.getRandom().setSeed(2);
    List<String> losses = sd.getLossVariables();
    List<String> parameters = parameters(sd);
    AnnotatedGraph annotated = new AnnotatedGraph(sd, losses, feeds, Map.of());
    Annotations graph = annotated.annotations();
    Emitter e = graph.emit();
    ExtensionPlan plan =
        new ExtensionPlan(
            graph,
            annotated::rule,
            losses,
            new LinkedHashSet<>(parameters),
            List.of(predictions),
            ExtensionPlan.Start.PREDICTIONS);
    ReversePass gradient =
        new ReversePass(graph, annotated::rule, plan::carriesGradient, v -> false, v -> true);
    Tensor one = e.literal(1, DataType.DOUBLE, Dims.of(1, 1));
    Dims loss = Dims.of(1, 1).plus(graph.dims(losses.get(0)));
    gradient.seed(losses.get(0), new Cotangent(GRADIENT, e.reshape(one, loss), null));
    gradient.run(parameter -> {});
    Map<String, Tensor> directions = new LinkedHashMap<>();
    parameters.forEach(p -> directions.put(p, annotated.columns(p, COLUMNS)));
    Map<String, Tensor> products =
        new CurvatureProduct(graph, annotated::rule, plan::carriesColumns)
            .of(
                directions,
                plan.region(),
                node -> roots(graph, plan, gradient, annotated, node),
                parameters);
    assertThat(products.keySet()).containsExactlyElementsOf(parameters);
    Map<String, INDArray> values =
        annotated.values(products.values().stream().map(Tensor::name).toList());
    Map<String, INDArray> fed = new LinkedHashMap<>();
    Map<String, INDArray> actual = new LinkedHashMap<>();
    for (String parameter : parameters) {
      Tensor product = Objects.requireNonNull(products.get(parameter));
      INDArray direction = annotated.fed(directions.get(parameter).name());
      fed.put(parameter, direction.reshape('c', COLUMNS, direction.length() / COLUMNS));
      actual.put(parameter, values.get(product.name()).dup('c').reshape(COLUMNS, -1));
    }
    return new Emitted(fed, actual);
  }

  private static void check(SameDiff sd, Map<String, INDArray> feeds) {
    Emitted emitted = emitted(sd, feeds);
    compare(emitted.products(), bySquareRoot(sd, feeds, emitted.directions()));
  }

  private static void compare(Map<String, INDArray> actual, Map<String, INDArray> expected) {
    actual.forEach(
        (parameter, here) -> {
          INDArray right = Objects.requireNonNull(expected.get(parameter));
          assertThat(right.amaxNumber().doubleValue()).isGreaterThan(1e-6);
          assertThat(here.sub(right).amaxNumber().doubleValue())
              .as(parameter)
              .isLessThan(1e-10 * right.amaxNumber().doubleValue());
        });
  }

  /** S Sᵀ v with S [P, C·N] from the extension that brute force verifies: by parameter [V, P]. */
  private static Map<String, INDArray> bySquareRoot(
      SameDiff sd, Map<String, INDArray> feeds, Map<String, INDArray> directions) {
    try (ExtendedGraph graph = BackPack.extend(sd, new SqrtGGNExact())) {
      Map<String, INDArray> roots = graph.output(feeds, graph.outputNames());
      List<INDArray> rows = new ArrayList<>();
      for (String parameter : directions.keySet()) {
        INDArray root = roots.get(parameter + "." + new SqrtGGNExact().field());
        long columns = root.size(0) * root.size(1);
        rows.add(root.dup('c').reshape('c', columns, root.length() / columns));
      }
      INDArray s = Nd4j.concat(1, rows.toArray(new INDArray[0]));
      INDArray v = Nd4j.concat(1, directions.values().toArray(new INDArray[0]));
      INDArray product = v.mmul(s.transpose()).mmul(s);
      Map<String, INDArray> byParameter = new LinkedHashMap<>();
      long from = 0;
      for (Map.Entry<String, INDArray> direction : directions.entrySet()) {
        long end = from + direction.getValue().size(1);
        INDArray part = product.get(NDArrayIndex.all(), NDArrayIndex.interval(from, end));
        byParameter.put(direction.getKey(), part.dup('c'));
        from = end;
      }
      return byParameter;
    }
  }

  @Test
  void softmaxCrossEntropy() {
    check(Graphs.perceptron(), Graphs.feeds(4));
  }

  /** A softmax for each of several positions: columns in blocks. */
  @Test
  void manyPositions() {
    SameDiff sd = SameDiff.create();
    Nd4j.getRandom().setSeed(4);
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 4, 2);
    SDVariable w = sd.var("w", Graphs.random(3, 2));
    SDVariable z = sd.math().tanh(x.reshape(-1, 3).mmul(w)).reshape(-1, 4, 2);
    sd.loss().softmaxCrossEntropy("loss", y, z.mul(sd.var("g", Graphs.random(1, 1, 2))), null);
    INDArray labels = Nd4j.nn().softmax(Graphs.random(3, 4, 2), 2);
    check(sd, Map.of("x", Graphs.random(3, 4, 3), "y", labels));
  }

  @Test
  void meanSquaredErrorOfBranches() {
    SameDiff sd = SameDiff.create();
    Nd4j.getRandom().setSeed(5);
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 4);
    SDVariable h = sd.math().tanh(x.mmul(sd.var("w", Graphs.random(3, 2))));
    SDVariable z = sd.concat(1, h, h.mmul(sd.var("v", Graphs.random(2, 2))).add(h));
    sd.loss().meanSquaredError("loss", y, z, null);
    check(sd, Map.of("x", Graphs.random(4, 3), "y", Graphs.random(4, 4)));
  }

  /** Σ z³ of z = x w: H v = xᵀ (6 z ∘ x v), of either sign. */
  @Test
  void aLossThatIsWrittenOutWithCurvatureOfBothSigns() {
    SameDiff sd = SameDiff.create();
    Nd4j.getRandom().setSeed(6);
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(3, 4));
    sd.math().cube(x.mmul("z", w)).sum().rename("loss");
    sd.setLossVariables("loss");
    INDArray feed = Graphs.random(4, 3);
    Emitted emitted = emitted(sd, Map.of("x", feed), "z");
    INDArray bend = feed.mmul(w.getArr()).mul(6);
    INDArray expected = Nd4j.create(DataType.DOUBLE, COLUMNS, 12);
    for (int k = 0; k < COLUMNS; k++) {
      INDArray v = emitted.directions().get("w").getRow(k).dup('c').reshape('c', 3, 4);
      INDArray product = feed.transpose().mmul(feed.mmul(v).mul(bend));
      expected.putRow(k, product.dup('c').reshape(12));
    }
    compare(emitted.products(), Map.of("w", expected));
  }
}
