package org.backpack4j.samediff.internal.loss;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/** The loss ops of SameDiff, by the name of the op. */
public final class Losses {
  private Losses() {}

  /**
   * The table.
   *
   * @return for each op its rule, sorted by name
   */
  public static Map<String, LossRule> table() {
    Map<String, LossRule> t = new TreeMap<>();
    t.put("absolute_difference_loss", absoluteDifference());
    t.put("cosine_distance_loss", new CosineDistance());
    t.put("hinge_loss", hinge());
    t.put("huber_loss", huber());
    t.put("l2_loss", new HalfSquare());
    t.put("log_loss", logLoss());
    t.put("log_poisson_loss", logPoisson());
    t.put("mean_pairwssqerr_loss", new PairwiseSquaredError());
    t.put("mean_sqerr_loss", meanSquaredError());
    t.put("sigm_cross_entropy_loss", sigmoidCrossEntropy());
    t.put("softmax_cross_entropy_loss", new SoftmaxCrossEntropy());
    t.put("softmax_cross_entropy_loss_with_logits", new UnreducedSoftmaxCrossEntropy());
    t.put("sparse_softmax_cross_entropy_loss_with_logits", new SparseSoftmaxCrossEntropy());
    t.put("weighted_cross_entropy_with_logits", new WeightedCrossEntropy());
    return t;
  }

  /** ℓ = |z − y|. */
  private static LossRule absoluteDifference() {
    return ElementwiseLoss.ofDifference(
        "absolute difference",
        (e, z, y, context) -> e.abs(e.sub(z, y)),
        (e, z, y, context) -> e.sign(e.sub(z, y)),
        null);
  }

  /** ℓ = max(0, 1 − t z) with t = 2 y − 1. */
  private static LossRule hinge() {
    return ElementwiseLoss.of(
        "hinge",
        (e, z, y, context) -> positivePart(e, margin(e, z, y)),
        (e, z, y, context) -> e.mul(e.greater(margin(e, z, y), 0), e.plus(e.scale(y, -2), 1)),
        null,
        (e, z, y, context) -> e.mul(e.greater(margin(e, z, y), 0), e.scale(z, -2)));
  }

  private static Tensor margin(Emitter e, Tensor z, Tensor y) {
    return e.minus(1, e.mul(e.plus(e.scale(y, 2), -1), z));
  }

  /** ℓ = d²/2 where |d| ≤ δ, else δ (|d| − δ/2), with d = z − y. */
  private static LossRule huber() {
    return ElementwiseLoss.ofDifference(
        "Huber",
        (e, z, y, context) -> {
          double delta = context.node().tArg(0, 1);
          Tensor d = e.sub(z, y);
          Tensor outside = positivePart(e, e.plus(e.abs(d), -delta));
          return e.scale(e.sub(e.square(d), e.square(outside)), 0.5);
        },
        (e, z, y, context) -> {
          double delta = context.node().tArg(0, 1);
          Tensor d = e.sub(z, y);
          return e.sub(d, e.mul(e.sign(d), positivePart(e, e.plus(e.abs(d), -delta))));
        },
        (e, z, y, context) -> e.less(e.abs(e.sub(z, y)), context.node().tArg(0, 1)));
  }

  /** ℓ = −y log(z + ε) − (1 − y) log(1 + ε − z). */
  private static LossRule logLoss() {
    return ElementwiseLoss.of(
        "log loss",
        (e, z, y, context) ->
            e.sub(
                e.mul(e.plus(y, -1), log(e, zero(e, z, context.node().tArg(0, 0)))),
                e.mul(y, log(e, e.plus(z, context.node().tArg(0, 0))))),
        (e, z, y, context) -> {
          double epsilon = context.node().tArg(0, 0);
          return e.sub(e.div(e.minus(1, y), zero(e, z, epsilon)), e.div(y, e.plus(z, epsilon)));
        },
        (e, z, y, context) -> {
          double epsilon = context.node().tArg(0, 0);
          return e.add(
              e.div(e.minus(1, y), e.square(zero(e, z, epsilon))),
              e.div(y, e.square(e.plus(z, epsilon))));
        },
        (e, z, y, context) ->
            e.sub(
                log(e, zero(e, z, context.node().tArg(0, 0))),
                log(e, e.plus(z, context.node().tArg(0, 0)))));
  }

  /** 1 + ε − z. */
  private static Tensor zero(Emitter e, Tensor z, double epsilon) {
    return e.minus(1 + epsilon, z);
  }

  /** ℓ = exp z − y z, and of the full loss Stirling's y log y − y + log(2π y)/2. */
  private static LossRule logPoisson() {
    return ElementwiseLoss.of(
        "Poisson",
        (e, z, y, context) -> {
          Tensor loss = e.sub(exp(e, z), e.mul(y, z));
          if (context.node().iArg(1, 0) == 0) {
            return loss;
          }
          Tensor half = e.scale(log(e, e.scale(y, 2 * Math.PI)), 0.5);
          return e.add(loss, e.add(e.mul(y, e.plus(log(e, y), -1)), half));
        },
        (e, z, y, context) -> e.sub(exp(e, z), y),
        (e, z, y, context) -> exp(e, z),
        (e, z, y, context) ->
            context.node().iArg(1, 0) == 0
                ? e.scale(z, -1)
                : e.sub(e.add(log(e, y), e.div(e.literal(0.5, y.type(), ones(y)), y)), z));
  }

  /** ℓ = (z − y)²; sampled with a standard normal, the likelihood's noise. */
  private static LossRule meanSquaredError() {
    return ElementwiseLoss.ofDifference(
            "mean squared error",
            (e, z, y, context) -> e.square(e.sub(z, y)),
            (e, z, y, context) -> e.scale(e.sub(z, y), 2),
            (e, z, y, context) -> e.literal(2, z.type(), ones(z)))
        .sampledBy(2, (e, z, u) -> e.scale(normal(e, u.get(0), u.get(1)), Math.sqrt(2)));
  }

  /** ℓ = log(1 + exp z) − t z, labels smoothed to t = (1 − s) y + s/2. */
  private static LossRule sigmoidCrossEntropy() {
    return ElementwiseLoss.of(
            "sigmoid cross-entropy",
            (e, z, y, context) ->
                e.sub(softplus(e, z), e.mul(z, smoothed(e, y, context.node().tArg(0, 0)))),
            (e, z, y, context) -> e.sub(sigmoid(e, z), smoothed(e, y, context.node().tArg(0, 0))),
            (e, z, y, context) -> e.mul(sigmoid(e, z), sigmoid(e, e.scale(z, -1))),
            (e, z, y, context) -> e.scale(z, context.node().tArg(0, 0) - 1))
        .sampledBy(
            1,
            (e, z, u) -> {
              Tensor p = sigmoid(e, z);
              return e.sub(p, e.less(e.sub(u.get(0), p), 0));
            });
  }

  private static Tensor smoothed(Emitter e, Tensor y, double smoothing) {
    return e.plus(e.scale(y, 1 - smoothing), smoothing / 2);
  }

  static Tensor sigmoid(Emitter e, Tensor z) {
    return e.map("sigmoid", z, true, v -> e.graph().nn().sigmoid(v));
  }

  /** log(1 + exp z), without overflow. */
  static Tensor softplus(Emitter e, Tensor z) {
    Tensor small = exp(e, e.scale(e.abs(z), -1));
    return e.add(positivePart(e, z), e.map("log1p", small, true, v -> e.graph().math().log1p(v)));
  }

  private static Tensor positivePart(Emitter e, Tensor z) {
    return e.mul(z, e.greater(z, 0)).knownNonNegative();
  }

  private static Tensor log(Emitter e, Tensor z) {
    return e.map("log", z, false, v -> e.graph().math().log(v));
  }

  private static Tensor exp(Emitter e, Tensor z) {
    return e.map("exp", z, true, v -> e.graph().math().exp(v));
  }

  /**
   * Standard normal numbers of two uniform ones (Box and Muller, 1958). A first one of 1, which a
   * person may feed, counts as if it were half as far below it as the nearest number of its type.
   */
  private static Tensor normal(Emitter e, Tensor u, Tensor v) {
    double least = u.type() == DataType.DOUBLE ? 0x1p-54 : 0x1p-25;
    Tensor rest = e.max(e.minus(1, u), e.literal(least, u.type(), ones(u)));
    Tensor radius = e.sqrt(e.scale(log(e, rest), -2));
    return e.mul(
        radius, e.map("cos", e.scale(v, 2 * Math.PI), false, x -> e.graph().math().cos(x)));
  }

  private static Dims ones(Tensor like) {
    long[] shape = new long[like.rank()];
    java.util.Arrays.fill(shape, 1);
    return Dims.of(shape);
  }
}
