package org.backpack4j.dl4j.internal.report;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Largest eigenvalues of a positive semidefinite matrix and of its blocks, by power iterations that
 * share their products. Each matrix begins with random vectors: those of the last one would stay
 * with an eigenvalue that another has overtaken since.
 */
final class Eigenvalues {
  static final int ITERATIONS = 100;

  /** ‖A v − λ v‖ ≤ this · λ ends an iteration: then an eigenvalue is as near to λ. */
  static final double TOLERANCE = 1e-3;

  /** Each layer has a vector, up to as many; of more there is the network's alone. */
  static final int LAYERS = 15;

  /** All vectors together have as many entries at most, 128 MiB; else there is the network's. */
  private static final long ENTRIES = 1L << 24;

  private static final long SEED = 8191;

  private Eigenvalues() {}

  /**
   * The eigenvalues.
   *
   * @param whole the largest one
   * @param layers those of the layers' blocks
   */
  record Found(double whole, Map<String, Double> layers) {}

  /** The names of the layers of a layout's parameters. */
  static String[] layers(ParameterLayout layout) {
    String[] layers =
        layout.names().stream().map(Eigenvalues::layer).distinct().toArray(String[]::new);
    return haveRoom(layers.length, layout.size()) ? layers : new String[0];
  }

  /** Whether each layer has a vector of its own. */
  static boolean haveRoom(long layers, long parameters) {
    return layers <= LAYERS && (1 + layers) * parameters <= ENTRIES;
  }

  static String layer(String parameter) {
    return parameter.substring(0, parameter.lastIndexOf('_'));
  }

  /**
   * Finds them.
   *
   * @param matrix the matrix
   * @return Rayleigh quotients, which are no larger than the largest eigenvalues: at convergence an
   *     eigenvalue is as near, nearly always the largest; after {@value #ITERATIONS} products what
   *     has been reached
   */
  static Found of(LinearOperator matrix) {
    String[] layers = layers(matrix.layout());
    int count = 1 + layers.length;
    INDArray v = start(matrix.layout(), layers);
    double[] values = new double[count];
    boolean[] done = new boolean[count];
    for (int k = 0; k < ITERATIONS && !all(done); k++) {
      INDArray product = matrix.times(v);
      restrict(product, matrix.layout(), layers);
      for (int row = 0; row < count; row++) {
        INDArray x = v.getRow(row);
        INDArray y = product.getRow(row);
        values[row] = x.mul(y).sumNumber().doubleValue();
        double residual = y.sub(x.mul(values[row])).norm2Number().doubleValue();
        done[row] = !(residual > TOLERANCE * Math.abs(values[row])); // NaN ends it, too
        double norm = y.norm2Number().doubleValue();
        if (norm > 0 && Double.isFinite(norm)) {
          x.assign(y.div(norm));
        }
      }
    }
    Map<String, Double> found = new LinkedHashMap<>();
    for (int k = 0; k < layers.length; k++) {
      found.put(layers[k], values[k + 1]);
    }
    return new Found(values[0], found);
  }

  private static boolean all(boolean[] done) {
    for (boolean each : done) {
      if (!each) {
        return false;
      }
    }
    return true;
  }

  /** [1 + layers, P] random rows of length 1. */
  private static INDArray start(ParameterLayout now, String[] layers) {
    Random random = new Random(SEED);
    double[][] numbers = new double[1 + layers.length][Math.toIntExact(now.size())];
    for (double[] row : numbers) {
      Arrays.setAll(row, k -> random.nextGaussian());
    }
    INDArray fresh = Nd4j.createFromArray(numbers);
    restrict(fresh, now, layers);
    for (int row = 0; row < numbers.length; row++) {
      INDArray x = fresh.getRow(row);
      x.divi(x.norm2Number().doubleValue());
    }
    return fresh;
  }

  /** Sets what is not of a row's layer to zero; the first row is the network's. */
  private static void restrict(INDArray rows, ParameterLayout layout, String[] layers) {
    for (int k = 0; k < layers.length; k++) {
      for (String name : layout.names()) {
        if (!layer(name).equals(layers[k])) {
          long from = layout.offset(name);
          rows.get(NDArrayIndex.point(k + 1), NDArrayIndex.interval(from, from + layout.size(name)))
              .assign(0);
        }
      }
    }
  }
}
