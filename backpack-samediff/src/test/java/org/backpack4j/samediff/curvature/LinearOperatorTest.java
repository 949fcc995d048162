package org.backpack4j.samediff.curvature;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.HessianProduct;
import org.backpack4j.samediff.testing.ArrayAssert;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Flat vectors, and the products of a graph with them. */
class LinearOperatorTest {
  private static ParameterLayout layout() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("w", new long[] {2, 3});
    shapes.put("s", new long[] {});
    shapes.put("b", new long[] {3});
    return ParameterLayout.of(shapes);
  }

  /** One parameter behind the other, the last axis first; whatever order an array has. */
  @Test
  void aVectorIsTakenApartAndJoined() {
    ParameterLayout layout = layout();
    INDArray flat = Nd4j.arange(10).castTo(DataType.DOUBLE);
    Map<String, INDArray> parts = layout.split(flat);
    assertThat(parts.get("w").toDoubleMatrix())
        .isDeepEqualTo(new double[][] {{0, 1, 2}, {3, 4, 5}});
    assertThat(parts.get("s").rank()).isZero();
    assertThat(parts.get("s").getDouble(0)).isEqualTo(6);
    assertThat(parts.get("b").toDoubleVector()).containsExactly(7, 8, 9);
    Map<String, INDArray> other = new HashMap<>(parts);
    other.put("w", parts.get("w").dup('f').castTo(DataType.FLOAT));
    other.put("unrelated", Nd4j.ones(1));
    assertThat(layout.join(other)).isEqualTo(flat);
    assertThat(layout.offset("b")).isEqualTo(7);
    assertThat(layout.size("w")).isEqualTo(6);
    assertThat(layout.size()).isEqualTo(10);
  }

  @Test
  void severalVectorsAreRows() {
    ParameterLayout layout = layout();
    INDArray rows = Nd4j.arange(20).castTo(DataType.DOUBLE).reshape(2, 10);
    for (INDArray given :
        List.of(
            rows,
            rows.dup('f'),
            Nd4j.concat(0, rows, rows).get(org.nd4j.linalg.indexing.NDArrayIndex.interval(2, 4)))) {
      Map<String, INDArray> parts = layout.split(given);
      assertThat(parts.get("w").shape()).containsExactly(2, 2, 3);
      assertThat(parts.get("s").shape()).containsExactly(2);
      assertThat(parts.get("b").toDoubleMatrix())
          .isDeepEqualTo(new double[][] {{7, 8, 9}, {17, 18, 19}});
      assertThat(layout.joinRows(parts)).isEqualTo(rows);
    }
  }

  @Test
  void someOfTheParameters() {
    ParameterLayout some = layout().only(List.of("b", "w"));
    assertThat(some.names()).containsExactly("w", "b");
    assertThat(some).isNotEqualTo(layout()).isEqualTo(layout().only(List.of("w", "b")));
    assertThat(some).hasToString("\"w\" [2, 3], \"b\" [3]");
  }

  @Test
  void whatDoesNotFitIsRefusedByName() {
    ParameterLayout layout = layout();
    assertThatThrownBy(() -> layout.shape("v"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("\"v\" is no parameter of this layout; they are [w, s, b].");
    assertThatThrownBy(() -> layout.split(Nd4j.ones(DataType.DOUBLE, 9)))
        .hasMessageContaining("[10]")
        .hasMessageContaining("given is [9]");
    assertThatThrownBy(() -> layout.join(Map.of("w", Nd4j.ones(3, 2))))
        .hasMessage("\"w\" needs an array of the shape [2, 3]; given is [3, 2].");
    assertThatThrownBy(() -> layout.join(Map.of("w", Nd4j.ones(2, 3))))
        .hasMessageStartingWith("There is no array for \"s\"");
    assertThatThrownBy(() -> ParameterLayout.of(Map.of()))
        .hasMessage("A layout needs at least one parameter.");
  }

  /** Σ U Uᵀ of the exact square root's columns, whatever number of vectors the graph takes. */
  @Test
  void theOperatorIsTheMatrix() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(3);
    INDArray dense = DenseBlocks.ggn(sd, feeds);
    for (GGNProduct products : List.of(new GGNProduct(), new GGNProduct(1), new GGNProduct(4))) {
      try (ExtendedGraph graph = BackPack.extend(sd, products)) {
        LinearOperator operator = LinearOperator.of(graph, products, feeds);
        assertThat(operator.layout()).isEqualTo(ParameterLayout.of(graph));
        for (int v : new int[] {1, 4, 5, 11}) {
          INDArray vectors = Graphs.random(v, operator.size());
          ArrayAssert.assertClose(operator.times(vectors), vectors.mmul(dense));
        }
        assertThat(operator.times(Nd4j.create(DataType.DOUBLE, 0, operator.size())).shape())
            .containsExactly(0, operator.size());
      }
    }
  }

  @Test
  void ofAGraphInSinglePrecision() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 2);
    SDVariable y = sd.placeHolder("y", DataType.FLOAT, -1, 2);
    SDVariable w = sd.var("w", Nd4j.createFromArray(new float[][] {{1, 2}, {3, 4}}));
    sd.loss().meanSquaredError("loss", y, x.mmul(w), null);
    INDArray one = Nd4j.createFromArray(new float[][] {{1, 2}});
    HessianProduct products = new HessianProduct(3);
    try (ExtendedGraph graph = BackPack.extend(sd, products)) {
      LinearOperator operator = LinearOperator.of(graph, products, Map.of("x", one, "y", one));
      INDArray product = operator.times(Nd4j.createFromArray(new double[][] {{1, 0, 0, 0}}));
      assertThat(product.dataType()).isEqualTo(DataType.DOUBLE);
      assertThat(product.toDoubleMatrix()).isDeepEqualTo(new double[][] {{1, 0, 2, 0}});
    }
  }

  @Test
  void whatIsNoProductIsRefused() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> feeds = Graphs.feeds(3);
    GGNProduct products = new GGNProduct(2);
    try (ExtendedGraph graph = BackPack.extend(sd, products, new BatchGrad())) {
      assertThatThrownBy(() -> LinearOperator.of(graph, new BatchGrad(), feeds))
          .hasMessageContaining("\"grad_batch\" gives no products");
      assertThatThrownBy(() -> LinearOperator.of(graph, new HessianProduct(), feeds))
          .hasMessageContaining("no output \"hessian_vector_product\"");
      assertThatThrownBy(() -> LinearOperator.of(graph, new GGNProduct(3), feeds))
          .hasMessageContaining("2 vectors");
      Map<String, INDArray> fed = new HashMap<>(feeds);
      fed.put("w.vector", Nd4j.ones(DataType.DOUBLE, 2, 5, 4));
      assertThatThrownBy(() -> LinearOperator.of(graph, products, fed))
          .hasMessageContaining("\"w.vector\" is fed");
      LinearOperator operator = LinearOperator.of(graph, products, feeds);
      assertThatThrownBy(() -> operator.times(Nd4j.ones(DataType.DOUBLE, operator.size())))
          .hasMessageContaining("Vectors are rows [V, " + operator.size() + "]");
      INDArray bad = Nd4j.ones(DataType.DOUBLE, 1, operator.size());
      bad.putScalar(0, operator.layout().offset("b") + 1, Double.NaN);
      assertThatThrownBy(() -> operator.times(bad))
          .hasMessage("Entry 1 of the vectors' part for \"b\" is NaN, no finite number.");
    }
  }
}
