package org.backpack4j.dl4j.internal.listen;

import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a gradient is the sum of, as far as it is known: where the summands cancel, what is left of
 * them is rounding, in DL4J's gradient as in ours.
 *
 * <p>A sum of numbers with the norm S has an error of some units in the last place of S, however
 * small the sum is. S is at least the norm of the samples' gradients, which is at hand where a
 * quantity of them was asked for. The gradients of other parameters are sums of the same signals
 * with other activations: so small a part of the whole network's gradient as rounding leaves is
 * nothing that could be compared.
 */
final class GradientSummands {
  /** So many units in the last place of what is added up may be lost. */
  private static final double UNITS = 100;

  private final Map<String, INDArray> results;
  private final double factor;
  private final double samples;
  private final double unit;
  private final double network;

  /**
   * What is known of an evaluation.
   *
   * @param results the quantities
   * @param factor what a gradient among them is to be multiplied by to be of the sum's scale
   * @param samples N
   * @param epsilon the relative distance of neighbouring numbers
   * @param network the norm of the whole network's gradient
   */
  GradientSummands(
      Map<String, INDArray> results,
      double factor,
      double samples,
      double epsilon,
      double network) {
    this.results = results;
    this.factor = factor;
    this.samples = samples;
    this.unit = UNITS * epsilon;
    this.network = Double.isFinite(network) ? network : 0;
  }

  /** A difference that is no larger than this is rounding. */
  double rounding(String parameter) {
    double rows = factor * Math.sqrt(squareOfRows(parameter));
    return unit * Math.max(Double.isFinite(rows) ? rows : 0, network);
  }

  private double squareOfRows(String parameter) {
    INDArray squares = results.get(parameter + ".batch_l2");
    squares = squares == null ? results.get(parameter + ".sum_grad_squared") : squares;
    if (squares != null) {
      return squares.sumNumber().doubleValue();
    }
    INDArray rows = results.get(parameter + ".grad_batch");
    if (rows != null) {
      double norm = GradientDistance.norm(rows);
      return norm * norm;
    }
    INDArray variance = results.get(parameter + ".variance");
    return variance == null ? 0 : samples * variance.sumNumber().doubleValue();
  }
}
