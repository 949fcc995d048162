package org.backpack4j.samediff.curvature;

import java.util.HashMap;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Whole matrices, of the columns of their square roots. */
final class DenseBlocks {
  private DenseBlocks() {}

  /** The columns of the exact square root as rows [VN, D]. */
  static INDArray root(SameDiff sd, Map<String, INDArray> feeds) {
    SqrtGGNExact root = new SqrtGGNExact();
    try (ExtendedGraph graph = BackPack.extend(sd, root)) {
      QuantityResults results = graph.evaluate(feeds);
      ParameterLayout layout = ParameterLayout.of(graph);
      Map<String, INDArray> rows = new HashMap<>();
      for (String p : layout.names()) {
        INDArray columns = results.get(p, root).dup('c'); // [V, N, P…]
        rows.put(
            p,
            columns.reshape(
                ParameterLayout.with(columns.size(0) * columns.size(1), layout.shape(p))));
      }
      return layout.joinRows(rows);
    }
  }

  /** The generalised Gauss-Newton matrix of all parameters together [D, D]. */
  static INDArray ggn(SameDiff sd, Map<String, INDArray> feeds) {
    INDArray root = root(sd, feeds);
    return root.transpose().mmul(root).dup('c');
  }
}
