package org.backpack4j.dl4j.internal.report;

/**
 * A layer in an iteration.
 *
 * @param gradientNorm ‖ḡ‖ of the layer's parameters
 * @param weightNorm ‖θ‖
 * @param distance ‖θ − θ₀‖, since the first iteration observed
 * @param updateSize ‖θₜ₊₁ − θₜ‖
 * @param dead the share of units behind a ReLU of which no sample of the batch has a gradient; NaN
 *     where there is no ReLU
 * @param curvature the trace of the layer's block of the generalised Gauss-Newton matrix; NaN where
 *     it was not asked for
 */
public record LayerRecord(
    double gradientNorm,
    double weightNorm,
    double distance,
    double updateSize,
    double dead,
    double curvature) {

  /** No numbers. */
  static final LayerRecord NONE =
      new LayerRecord(Double.NaN, Double.NaN, Double.NaN, Double.NaN, Double.NaN, Double.NaN);

  LayerRecord withUpdate(double size) {
    return new LayerRecord(gradientNorm, weightNorm, distance, size, dead, curvature);
  }
}
