package org.backpack4j.samediff.loss;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/** The loss ops of SameDiff, by the name of the op. */
public final class Losses {
  private Losses() {}

  /**
   * The table.
   *
   * @return for each op its rule, sorted by name
   */
  public static Map<String, LossRule> table() {
    Map<String, LossRule> table = new TreeMap<>();
    table.put(
        "mean_sqerr_loss",
        // ℓ = (z − y)²; sampled with a standard normal, the likelihood's noise
        new ElementwiseLoss(
            "mean squared error",
            (e, z, y, site) -> e.scale(e.sub(z, y), 2),
            (e, z, y, site) -> e.literal(2, z.type(), ones(z)),
            (e, z, u) -> e.scale(normal(e, u.get(0), u.get(1)), Math.sqrt(2)),
            2));
    table.put(
        "sigm_cross_entropy_loss",
        // ℓ = −y log σ(z) − (1 − y) log(1 − σ(z)), labels smoothed to (1 − s) y + s/2
        new ElementwiseLoss(
            "sigmoid cross-entropy",
            (e, z, y, site) -> {
              double smoothing = site.node().tArg(0, 0);
              return e.sub(sigmoid(e, z), e.plus(e.scale(y, 1 - smoothing), smoothing / 2));
            },
            (e, z, y, site) -> {
              Tensor p = sigmoid(e, z);
              return e.mul(p, sigmoid(e, e.scale(z, -1)));
            },
            (e, z, u) -> {
              Tensor p = sigmoid(e, z);
              return e.sub(p, e.less(e.sub(u.get(0), p), 0));
            },
            1));
    table.put("softmax_cross_entropy_loss", new SoftmaxCrossEntropy());
    return table;
  }

  private static Tensor sigmoid(Emitter e, Tensor z) {
    return e.map("sigmoid", z, true, v -> e.graph().nn().sigmoid(v));
  }

  /** Standard normal numbers of two uniform ones (Box and Muller, 1958). */
  private static Tensor normal(Emitter e, Tensor u, Tensor v) {
    Tensor log = e.map("log", e.minus(1, u), false, x -> e.graph().math().log(x));
    Tensor radius = e.sqrt(e.scale(log, -2));
    return e.mul(
        radius, e.map("cos", e.scale(v, 2 * Math.PI), false, x -> e.graph().math().cos(x)));
  }

  private static Dims ones(Tensor like) {
    long[] shape = new long[like.rank()];
    java.util.Arrays.fill(shape, 1);
    return Dims.of(shape);
  }
}
