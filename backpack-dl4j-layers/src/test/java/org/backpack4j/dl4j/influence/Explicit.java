package org.backpack4j.dl4j.influence;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.LUDecomposition;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.ConvertedNetwork;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * A network's gradients and curvature as matrices of one batch, and influence by its formula with
 * them. Gradients and columns come from the graph of the whole batch; nothing else is shared with
 * what is tested.
 */
final class Explicit {
  /** The parameters, in order. */
  final List<String> names = new ArrayList<>();

  /** Where each parameter's columns are, and behind them. */
  final Map<String, int[]> range = new HashMap<>();

  final Map<String, long[]> shapes = new HashMap<>();

  /** Rows of each sample's own loss [N, D]. */
  final INDArray gradients;

  /** The root of the generalised Gauss-Newton matrix of the sum of the losses [V N, D]. */
  final INDArray root;

  private Explicit(Map<String, INDArray> out, List<String> parameters, double divisor) {
    int size = 0;
    for (String p : parameters) {
      INDArray g = out.get(p + ".grad_batch");
      int length = (int) (g.length() / g.size(0));
      names.add(p);
      range.put(p, new int[] {size, size + length});
      shapes.put(p, java.util.Arrays.copyOfRange(g.shape(), 1, g.rank()));
      size += length;
    }
    INDArray first = out.get(names.get(0) + ".sqrt_ggn_exact");
    int n = (int) out.get(names.get(0) + ".grad_batch").size(0);
    gradients = Nd4j.create(DataType.DOUBLE, n, size);
    root = Nd4j.create(DataType.DOUBLE, first.size(0) * n, size);
    for (String p : names) {
      int[] at = range.get(p);
      columns(gradients, at).assign(out.get(p + ".grad_batch").dup('c').reshape('c', n, -1));
      columns(root, at)
          .assign(out.get(p + ".sqrt_ggn_exact").dup('c').reshape('c', root.rows(), -1));
    }
    gradients.muli(divisor);
    root.muli(Math.sqrt(divisor));
  }

  /** Of a network, with the statistics of evaluation. */
  static Explicit of(Model net, DataSet all) {
    ConvertedNetwork converted =
        Dl4jConverter.on(net).like(all).statistics(BatchStatistics.RUNNING).convert();
    try (ExtendedGraph graph = converted.extend(new BatchGrad(), new SqrtGGNExact())) {
      Map<String, INDArray> out = graph.output(converted.feeds(all), graph.outputNames());
      return new Explicit(out, graph.parameters(), 1);
    }
  }

  /**
   * Of a graph.
   *
   * @param divisor what the loss of that batch divides by
   */
  static Explicit of(ExtendedGraph graph, Map<String, INDArray> feeds, double divisor) {
    return new Explicit(graph.output(feeds, graph.outputNames()), graph.parameters(), divisor);
  }

  static INDArray columns(INDArray matrix, int[] range) {
    return matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(range[0], range[1]));
  }

  INDArray whole() {
    return root.transpose().mmul(root);
  }

  INDArray diagonal() {
    return Nd4j.diag(Nd4j.diag(whole()).dup());
  }

  /** A matrix of zeros but for the blocks of parameters. */
  INDArray blocks(java.util.function.Function<String, INDArray> block) {
    INDArray all = Nd4j.zeros(DataType.DOUBLE, gradients.columns(), gradients.columns());
    for (String p : names) {
      int[] at = range.get(p);
      all.get(NDArrayIndex.interval(at[0], at[1]), NDArrayIndex.interval(at[0], at[1]))
          .assign(block.apply(p));
    }
    return all;
  }

  /** The exact block of a parameter. */
  INDArray block(String p) {
    INDArray own = columns(root, range.get(p)).dup('c');
    return own.transpose().mmul(own);
  }

  /** Adds a tenth of the mean eigenvalue of each parameter's block, or of the whole. */
  INDArray damped(INDArray matrix, boolean ofBlocks) {
    INDArray damped = matrix.dup('c');
    double mean = Nd4j.diag(matrix).sumNumber().doubleValue() / matrix.rows();
    for (String p : names) {
      int[] at = range.get(p);
      double trace = 0;
      for (int k = at[0]; k < at[1]; k++) {
        trace += matrix.getDouble(k, k);
      }
      double own = 0.1 * (ofBlocks ? trace / (at[1] - at[0]) : mean);
      for (int k = at[0]; k < at[1]; k++) {
        damped.putScalar(k, k, damped.getDouble(k, k) + own);
      }
    }
    return damped;
  }

  /** Q_B ⊗ Q_A of weights [in, out]: the column (i, o) is that of (b, a) = (o, i). */
  static INDArray kronecker(INDArray a, INDArray b) {
    int in = a.rows();
    int out = b.rows();
    INDArray product = Nd4j.create(DataType.DOUBLE, in * out, in * out);
    for (int i = 0; i < in; i++) {
      for (int o = 0; o < out; o++) {
        for (int k = 0; k < in; k++) {
          for (int l = 0; l < out; l++) {
            product.putScalar(i * out + o, k * out + l, a.getDouble(i, k) * b.getDouble(o, l));
          }
        }
      }
    }
    return product;
  }

  static INDArray eigenvectors(INDArray symmetric) {
    return Nd4j.createFromArray(
        new EigenDecomposition(new Array2DRowRealMatrix(symmetric.toDoubleMatrix()))
            .getV()
            .getData());
  }

  /**
   * Influence by its formula.
   *
   * @param queries rows of queries' own losses [Q, D]
   * @param matrix the damped curvature of the sum
   * @return [Q, N]
   */
  INDArray scores(INDArray queries, INDArray matrix) {
    return queries.mmul(solved(matrix, gradients.transpose()));
  }

  static INDArray solved(INDArray matrix, INDArray right) {
    return Nd4j.createFromArray(
        new LUDecomposition(new Array2DRowRealMatrix(matrix.toDoubleMatrix()))
            .getSolver()
            .solve(new Array2DRowRealMatrix(right.toDoubleMatrix()))
            .getData());
  }
}
