package org.backpack4j.dl4j;

import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.samediff.AbstractSameDiffLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gradient of our graph must be the one that DL4J has just computed: the cheapest of all
 * checks, and one that sees whatever the conversion may have overlooked.
 */
final class GradientComparison {
  private static final Logger log = LoggerFactory.getLogger(GradientComparison.class);

  /** So far from DL4J's the gradient may be without a word. */
  private static final double SMALL = 1e-2;

  private final Scale scale;
  private final @Nullable Double chosen;
  private boolean warned;

  /**
   * A comparison.
   *
   * @param scale the scale of our gradient
   * @param chosen how far the gradients may be apart; null for what the type allows
   */
  GradientComparison(Scale scale, @Nullable Double chosen) {
    this.scale = scale;
    this.chosen = chosen;
  }

  /**
   * Compares.
   *
   * @param net the network, whose gradient has just been computed
   * @param batch from what
   * @param results our gradients, {@code conv1_W.grad}
   * @return a note, where they are further apart than is usual; the first is logged as well
   * @throws IllegalStateException if they are further apart than the tolerance
   */
  Optional<String> compare(Model net, Batch batch, Map<String, INDArray> results) {
    double factor = scale == Scale.MEAN ? batch.samples() : 1;
    double off = 0;
    double all = 0;
    String worst = "";
    double worstOff = 0;
    for (Map.Entry<String, INDArray> e : net.gradient().gradientForVariable().entrySet()) {
      INDArray ours = results.get(e.getKey() + ".grad");
      if (ours != null) {
        // the gradient of a Convolution1D has an axis less than its parameter
        INDArray theirs = e.getValue().reshape(ours.shape()).dup('c');
        all += square(theirs);
        double difference = square(theirs.subi(factor == 1 ? ours : ours.mul(factor)));
        off += difference;
        if (!(difference <= worstOff)) {
          worstOff = difference;
          worst = e.getKey();
        }
      }
    }
    double relative = Math.sqrt(off) / Math.max(Math.sqrt(all), Double.MIN_NORMAL);
    double tolerance = tolerance(net);
    if (relative <= Math.min(SMALL, tolerance)) {
      return Optional.empty();
    }
    String difference =
        "The gradient of the converted network is off from DL4J's by %.1e of its norm, most in \"%s\"."
            .formatted(relative, worst);
    if (!(relative <= tolerance)) {
      throw new IllegalStateException(
          difference + reason(net) + " gradientTolerance(…) lets it pass.");
    }
    String note =
        difference + (chosen == null ? " In single precision, rounding can do that." : "");
    if (!warned) {
      warned = true;
      log.warn("{} It is logged once; the steps' notes tell of it each time.", note);
    }
    return Optional.of(note);
  }

  /** The sum of the squares, by a dot product, which is at memory speed. */
  private static double square(INDArray array) {
    INDArray vector = array.reshape(array.length());
    return Nd4j.getBlasWrapper().dot(vector, vector);
  }

  private double tolerance(Model net) {
    return chosen != null ? chosen : net.params().dataType() == DataType.DOUBLE ? 1e-6 : 0.1;
  }

  /** What is known of networks like this one. */
  private static String reason(Model net) {
    if (Dl4jConverter.isTruncated(net)) {
      return " With truncated backpropagation through time DL4J 1.0.0-M2.1 takes the gradient of"
          + " recurrent layers as if each part of a sequence began with zeros, and their values"
          + " not; ours is the derivative of the score.";
    }
    if (Dl4jConverter.has(net, AbstractSameDiffLayer.class)) {
      return " DL4J 1.0.0-M2.1 answers twice the gradient for SameDiff layers, attention and"
                 + " locally connected layers among them, and for all layers below; ours is the"
                 + " derivative of the score.";
    }
    if (Dl4jConverter.scalesBackwardsAlone(net)) {
      return " Where batch normalisation has a locked gamma other than 1 and a locked beta of 0,"
          + " DL4J 1.0.0-M2.1 does not multiply by gamma in its forward pass, but does in its"
          + " backward pass; ours is the derivative of the score.";
    }
    if (Dl4jConverter.draws(net, ActivationRReLU.class)) {
      return " DL4J 1.0.0-M2.1 takes 1 for the derivative of RReLU everywhere; ours is the"
                 + " derivative of the score.";
    }
    return " Labels whose rows do not add up to one, and outputs so near to 0 or 1 that DL4J clips"
        + " them, are the usual reasons.";
  }
}
