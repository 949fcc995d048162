package org.backpack4j.dl4j.laplace;

import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a {@link Laplace} approximation predicts. Arrays are of type DOUBLE and laid out as the
 * network's output: [N, C], of a time series [N, C, T].
 */
public final class Prediction {
  private final @Nullable INDArray probabilities;
  private final INDArray means;
  private final INDArray variances;
  private final @Nullable Double noise;

  Prediction(
      @Nullable INDArray probabilities,
      INDArray means,
      INDArray variances,
      @Nullable Double noise) {
    this.probabilities = probabilities;
    this.means = means;
    this.variances = variances;
    this.noise = noise;
  }

  /**
   * The probabilities of the classes, uncertainty of the weights included.
   *
   * @return probabilities, of the output's shape
   * @throws IllegalStateException if the network is one for regression
   */
  public INDArray probabilities() {
    if (probabilities == null) {
      throw new IllegalStateException(
          "A regression has no probabilities: read means(), variances() and noise().");
    }
    return probabilities;
  }

  /**
   * The means f: logits of a classifier, in front of the softmax or sigmoid, predictions of a
   * regression. They are the network's own.
   *
   * @return means, of the output's shape
   */
  public INDArray means() {
    return means;
  }

  /**
   * The variances of the means f by the uncertainty of the weights, diag(J P⁻¹ Jᵀ). A regression's
   * labels vary by {@link #noise()} more.
   *
   * @return variances, of the output's shape
   */
  public INDArray variances() {
    return variances;
  }

  /**
   * The variance σ² of a regression's labels around their means.
   *
   * @return σ²; nothing of a classifier
   */
  public OptionalDouble noise() {
    return noise == null ? OptionalDouble.empty() : OptionalDouble.of(noise);
  }
}
