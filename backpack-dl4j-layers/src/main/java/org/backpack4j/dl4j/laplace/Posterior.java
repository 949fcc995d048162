package org.backpack4j.dl4j.laplace;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The distribution N(θ, P⁻¹) of the parameters, P = H / σ² + Λ. */
final class Posterior {
  /** So much a Newton step may gain a sample where training has converged. */
  private static final double GAIN = 0.01;

  private final Fitted fitted;
  private final Map<String, Double> precisions;
  private final double sigma;
  private final List<DampedCurvature> blocks = new ArrayList<>();

  /** The posterior of the prior as it is now. */
  Posterior(Fitted fitted, Prior prior) {
    this.fitted = fitted;
    this.precisions = prior.precisions(fitted);
    this.sigma = prior.sigma(fitted);
  }

  Fitted fitted() {
    return fitted;
  }

  /** σ²; 1 of a classifier. */
  double sigma() {
    return sigma;
  }

  /** The blocks of P. */
  List<DampedCurvature> blocks() {
    if (blocks.isEmpty()) {
      Curvature h = fitted.curvature(); // scaled matrices forget factors
      for (Curvature block : (sigma == 1 ? h : h.scaled(1 / sigma)).blocks()) {
        Map<String, Double> own = new LinkedHashMap<>(precisions);
        own.keySet().retainAll(block.layout().names());
        blocks.add(block.damped(own));
      }
    }
    return blocks;
  }

  double logMarginalLikelihood() {
    List<String> names = fitted.layout().names();
    double[] own = names.stream().mapToDouble(precisions::get).toArray();
    return fitted.evidence(names.stream().map(List::of).toList()).at(own, sigma).value();
  }

  /** Draws [n, D] of N(0, P⁻¹). */
  INDArray vectors(int count, long drawnFrom) {
    SplittableRandom random = new SplittableRandom(drawnFrom);
    Map<String, INDArray> parts = new LinkedHashMap<>();
    for (DampedCurvature block : blocks()) {
      parts.putAll(block.layout().split(block.sample(count, random)));
    }
    return fitted.layout().joinRows(parts);
  }

  Map<String, INDArray> sample(int count, long drawnFrom) {
    if (count < 1) {
      throw new IllegalArgumentException("At least one draw is needed, not " + count + ".");
    }
    return fitted.layout().split(vectors(count, drawnFrom).addRowVector(fitted.theta()));
  }

  /** Of the negative log posterior at θ. */
  INDArray gradient() {
    Map<String, INDArray> parts =
        fitted.layout().split(fitted.sums().gradient(fitted.layout()).div(sigma));
    Map<String, INDArray> theta = fitted.layout().split(fitted.theta());
    precisions.forEach(
        (p, precision) ->
            Objects.requireNonNull(parts.get(p))
                .addi(Objects.requireNonNull(theta.get(p)).mul(precision)));
    return fitted.layout().join(parts);
  }

  /** What is to be known of it. */
  List<String> notes() {
    List<String> notes = new ArrayList<>();
    Sums sums = fitted.sums();
    INDArray gradient = gradient();
    Map<String, INDArray> parts = fitted.layout().split(gradient.reshape(1, gradient.length()));
    double gain = 0;
    for (DampedCurvature block : blocks()) {
      INDArray own = block.layout().joinRows(parts);
      gain += 0.5 * own.mul(block.solve(own)).sumNumber().doubleValue();
    }
    if (gain > GAIN * sums.samples) {
      notes.add(
          "Training has not converged: the gradient of the log posterior has the length %.3g, and a Newton step would raise it by about %.3g a sample. The approximation is meant to be made around a maximum: train on, or choose a prior as strong as the weight decay of training."
              .formatted(gradient.norm2Number().doubleValue(), gain / sums.samples));
    }
    List<Integer> unseen = new ArrayList<>();
    for (int k = 0; k < sums.seen.length; k++) {
      if (sums.seen[k] == 0) {
        unseen.add(k);
      }
    }
    if (!unseen.isEmpty()) {
      notes.add(
          "The data have no sample of the classes "
              + unseen
              + ": what the network answers about them rests on the prior alone.");
    }
    return notes;
  }
}
