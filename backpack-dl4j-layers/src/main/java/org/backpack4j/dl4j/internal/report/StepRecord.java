package org.backpack4j.dl4j.internal.report;

import java.util.List;
import java.util.Map;

/**
 * What was seen of an iteration.
 *
 * @param iteration its number
 * @param epoch its epoch
 * @param score DL4J's score
 * @param statistics the noise in the gradient
 * @param layers the layers by name, in the network's order
 * @param signalToNoise the mean of ḡ²/variance over the entries that vary
 * @param earlyStopping 1 − b · mean of ḡ²/s²: above 0 the gradient is no more than noise
 *     (Mahsereci, Balles, Lassner and Hennig, 2017)
 * @param alpha where the step has ended on the parabola through the slopes at both ends: −1 at its
 *     start, 0 at the minimum, 1 on the other side at the same height; NaN if it is not known
 * @param takeuchi the trace of the gradients' second moments over that of the curvature; NaN where
 *     it was not asked for
 * @param largest the samples of largest gradient norm, the largest first
 * @param closeup histograms and eigenvalues; nothing where they were not asked for
 */
public record StepRecord(
    int iteration,
    int epoch,
    double score,
    GradientStatistics statistics,
    Map<String, LayerRecord> layers,
    double signalToNoise,
    double earlyStopping,
    double alpha,
    double takeuchi,
    List<Sample> largest,
    Closeup closeup) {

  /**
   * A sample of the batch.
   *
   * @param index its place in the batch
   * @param norm the norm of its gradient
   * @param share its part of the sum of all squared norms
   */
  public record Sample(int index, double norm, double share) {}

  /** A layer; one without numbers if the record has none of that name. */
  LayerRecord layer(String name) {
    return layers.getOrDefault(name, LayerRecord.NONE);
  }

  /** ‖ḡ‖. */
  double gradientNorm() {
    return Math.sqrt(statistics.squaredNorm());
  }

  StepRecord withScore(double newScore) {
    return new StepRecord(
        iteration,
        epoch,
        newScore,
        statistics,
        layers,
        signalToNoise,
        earlyStopping,
        alpha,
        takeuchi,
        largest,
        closeup);
  }

  StepRecord with(double newAlpha, Map<String, LayerRecord> newLayers) {
    return new StepRecord(
        iteration,
        epoch,
        score,
        statistics,
        newLayers,
        signalToNoise,
        earlyStopping,
        newAlpha,
        takeuchi,
        largest,
        closeup);
  }

  StepRecord with(Closeup seen) {
    return new StepRecord(
        iteration,
        epoch,
        score,
        statistics,
        layers,
        signalToNoise,
        earlyStopping,
        alpha,
        takeuchi,
        largest,
        seen);
  }

  /**
   * The record as it is kept when there is a later one.
   *
   * @return the same without histograms of two dimensions
   */
  public StepRecord compact() {
    return with(closeup.withoutGrids());
  }
}
