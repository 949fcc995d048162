package org.backpack4j.dl4j.laplace;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.GraphRow;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A dense layer that the predictions come out of, f = φ W + b.
 *
 * @param weight the parameter W [I, C]
 * @param bias the parameter b, of C entries; null if there is none
 * @param features the variable φ
 */
record Head(String weight, @Nullable String bias, String features) {
  private static final Set<String> ADD = Set.of("add", "biasadd", "bias_add");
  private static final Set<String> VIEWS = Set.of("reshape", "identity");

  /**
   * Finds it, from how the graph is made; that f = φ W + b holds is then seen from a batch's
   * numbers.
   *
   * @param graph an extended graph with predictions
   * @param feeds a batch
   */
  static Optional<Head> of(ExtendedGraph graph, Map<String, INDArray> feeds) {
    Map<String, GraphRow> rows = new LinkedHashMap<>();
    graph.rows().forEach(row -> rows.put(row.name(), row));
    String z = graph.predictions().get(0);
    GraphRow last = rows.get(z);
    if (last == null) {
      return Optional.empty();
    }
    String product = z;
    String bias = null;
    if (last.op().equals("xw_plus_b")) {
      return checked(
          graph, feeds, rows, last.inputs().get(0), last.inputs().get(1), last.inputs().get(2));
    }
    if (ADD.contains(last.op()) && last.inputs().size() == 2) {
      int side = parameter(graph, rows, last.inputs().get(1)) != null ? 1 : 0;
      bias = last.inputs().get(side);
      product = last.inputs().get(1 - side);
    }
    GraphRow matmul = rows.get(product);
    if (matmul == null || !matmul.op().equals("matmul")) {
      return Optional.empty();
    }
    return checked(graph, feeds, rows, matmul.inputs().get(0), matmul.inputs().get(1), bias);
  }

  /** The parameter that a variable is a view of. */
  private static @Nullable String parameter(
      ExtendedGraph graph, Map<String, GraphRow> rows, String variable) {
    String at = variable;
    for (GraphRow row = rows.get(at); row != null; row = rows.get(at)) {
      if (!VIEWS.contains(row.op())) {
        return null;
      }
      at = row.inputs().get(0);
    }
    SDVariable found = graph.sameDiff().getVariable(at);
    return found != null && found.getVariableType() == VariableType.VARIABLE ? at : null;
  }

  private static boolean readOnce(Map<String, GraphRow> rows, String parameter, String view) {
    long views = rows.values().stream().filter(r -> r.inputs().contains(parameter)).count();
    long reads = rows.values().stream().filter(r -> r.inputs().contains(view)).count();
    return views == 1 && reads == 1;
  }

  private static Optional<Head> checked(
      ExtendedGraph graph,
      Map<String, INDArray> feeds,
      Map<String, GraphRow> rows,
      String features,
      String weightView,
      @Nullable String biasView) {
    String weight = parameter(graph, rows, weightView);
    String bias = biasView == null ? null : parameter(graph, rows, biasView);
    if (weight == null
        || (biasView != null && (bias == null || !readOnce(rows, bias, biasView)))
        || !readOnce(rows, weight, weightView)) {
      return Optional.empty();
    }
    Head head = new Head(weight, bias, features);
    Map<String, INDArray> values =
        graph.output(feeds, List.of(graph.predictions().get(0), features));
    INDArray f = OutputLoss.rows(Objects.requireNonNull(values.get(graph.predictions().get(0))));
    INDArray phi = OutputLoss.rows(Objects.requireNonNull(values.get(features)));
    INDArray w = graph.sameDiff().getVariable(weight).getArr();
    INDArray b = bias == null ? null : graph.sameDiff().getVariable(bias).getArr();
    return head.gives(f, phi, w, b) ? Optional.of(head) : Optional.empty();
  }

  private boolean gives(INDArray f, INDArray phi, INDArray w, @Nullable INDArray b) {
    if (w == null
        || w.rank() != 2
        || phi.size(1) != w.size(0)
        || f.size(1) != w.size(1)
        || f.size(0) != phi.size(0)
        || (bias != null && (b == null || b.length() != f.size(1)))) {
      return false;
    }
    INDArray made = phi.mmul(w.castTo(DataType.DOUBLE));
    if (b != null) {
      made.addiRowVector(b.castTo(DataType.DOUBLE).dup('c').reshape(1, b.length()));
    }
    double off = made.sub(f).amaxNumber().doubleValue();
    return off <= 1e-3 * (1 + f.amaxNumber().doubleValue());
  }
}
