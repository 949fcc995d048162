package org.backpack4j.samediff.curvature;

import java.util.Map;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A symmetric matrix [D, D] whose rows are the entries of parameters, known by its products with
 * vectors: a generalised Gauss-Newton matrix or a Hessian, of one batch or of a data set. It is the
 * same matrix at each call.
 */
public interface LinearOperator {
  /**
   * Which parameters the rows belong to.
   *
   * @return the layout, of {@link #size()} entries
   */
  ParameterLayout layout();

  /**
   * The number of rows.
   *
   * @return D
   */
  default long size() {
    return layout().size();
  }

  /**
   * Multiplies vectors.
   *
   * @param vectors the vectors as rows [V, D]; they stay as they are
   * @return a new array [V, D] of type DOUBLE, in 'c' order: the products as rows
   * @throws IllegalArgumentException if the vectors have another shape, or an entry that is no
   *     finite number
   */
  INDArray times(INDArray vectors);

  /**
   * The matrix of an extended graph's products, for one batch. The parameters are those of the
   * extension, in the order of the graph; their values are read at each call. The graph must stay
   * open as long as the operator is used.
   *
   * @param graph the extended graph
   * @param products the extension that it was extended by: {@link
   *     org.backpack4j.samediff.extension.GGNProduct} or {@link
   *     org.backpack4j.samediff.extension.HessianProduct}. Of several vectors at once, as many are
   *     worked through together
   * @param feeds an array for each placeholder of the graph but those of the vectors
   * @return the matrix, in the graph's precision
   * @throws IllegalArgumentException if the extension gives no products, the graph was not extended
   *     by it, or a vector is fed
   */
  static LinearOperator of(ExtendedGraph graph, Extension products, Map<String, INDArray> feeds) {
    return new GraphOperator(graph, products, feeds);
  }
}
