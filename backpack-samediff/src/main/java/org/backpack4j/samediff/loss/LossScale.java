package org.backpack4j.samediff.loss;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What one of ND4J's reduced losses multiplies its terms by: L = Σ c ℓ over the terms, c made of
 * the weights, the reduction, and what comes in from above (a factor behind the loss, which
 * SameDiff's own gradient ignores).
 *
 * <p>With weights w, broadcast to the terms: SUM c = w; MEAN_BY_WEIGHT c = w / Σ w;
 * MEAN_BY_NONZERO_WEIGHT_COUNT c = w / #{w ≠ 0}; NONE c = w, the signal from above per term.
 */
final class LossScale {
  private LossScale() {}

  private static LossReduce reduction(Site site) {
    return LossReduce.values()[(int) site.node().iArg(0, LossReduce.SUM.ordinal())];
  }

  /**
   * The factors.
   *
   * @param site a loss node with the inputs predictions, weights, labels
   * @param terms the shape of all terms, in the predictions' layout; the sample axis where the
   *     predictions have it
   * @param above the signal at the loss: [1 or N, 1, F…]
   * @return c, [N, 1, E…] with ones where it is the same along an axis; E the per-sample shape of
   *     the terms
   */
  static Tensor of(Site site, Dims terms, Tensor above) {
    Emitter e = site.emit();
    Placement place = site.placement(0);
    Dims part = place.perSample(terms);
    DataType type = site.type(0);
    INDArray known = site.constant(1);
    Dims ones = ones(part.rank() + 2);
    LossReduce reduce = reduction(site);
    Tensor weights =
        known != null && known.length() == 1
            ? e.literal(known.getDouble(0), type, ones)
            : aligned(site, terms, part);
    Tensor incoming =
        reduce == LossReduce.NONE
            ? e.reshape(above, above.dims().range(0, 2).plus(part))
            : e.reshape(above, ones);
    return switch (reduce) {
      case NONE, SUM -> e.mul(incoming, weights);
      case MEAN_BY_WEIGHT ->
          weights.literal() != null
              ? e.mul(
                  incoming,
                  e.scale(count(e, type, part, ones), Math.signum(Math.abs(weights.literal()))))
              : e.mul(e.mul(incoming, weights), inverse(e, total(e, weights, part, ones)));
      case MEAN_BY_NONZERO_WEIGHT_COUNT ->
          weights.literal() != null
              ? e.mul(incoming, e.scale(count(e, type, part, ones), weights.literal()))
              : e.mul(
                  e.mul(incoming, weights),
                  inverse(e, total(e, e.minus(1, zeros(e, weights)), part, ones)));
    };
  }

  private static Tensor zeros(Emitter e, Tensor weights) {
    return e.minus(1, e.greater(e.abs(weights), 0));
  }

  /** One over the number of terms. */
  private static Tensor count(Emitter e, DataType type, Dims part, Dims ones) {
    Tensor n = e.reshape(e.sum(e.onesOverSamples(type), 0, 1), ones);
    return e.div(e.literal(1.0 / part.product().size(), type, ones), n).knownNonNegative();
  }

  /** One over a total, zero where the total is zero, as in ND4J. */
  private static Tensor inverse(Emitter e, Tensor total) {
    Tensor none = e.minus(1, e.greater(e.abs(total), 0));
    return e.div(e.minus(1, none), e.add(total, none));
  }

  /** The sum of weights over all terms. */
  private static Tensor total(Emitter e, Tensor weights, Dims part, Dims ones) {
    Tensor all = e.broadcast(weights, Dims.of(Dim.N, Dim.ONE).plus(part));
    return e.reshape(e.sum(e.sum(all, 1, all.rank()), 0, 1), ones);
  }

  /** Weights [N or 1, 1, E…] with ones where they are broadcast. */
  private static Tensor aligned(Site site, Dims terms, Dims part) {
    Emitter e = site.emit();
    Placement place = site.placement(0);
    Placement own = site.placement(1);
    Dims dims = site.dims(1);
    if (dims.product().isOne()) {
      return e.reshape(site.raw(1), ones(part.rank() + 2));
    }
    if (dims.rank() != terms.rank()) {
      throw new Refused(
          "the weights of the loss have the shape " + dims + ", its terms " + terms,
          "give the weights as many axes as the terms have");
    }
    List<Dim> aligned = new ArrayList<>();
    for (int k = 0; k < dims.rank(); k++) {
      if (!place.hasSamples() || k != place.axis()) {
        aligned.add(dims.get(k));
      } else if (place.folded()) {
        aligned.add(own.hasSamples() ? part.get(k) : Dim.ONE);
      }
    }
    Tensor rows = site.samplesFirst(1);
    return e.reshape(rows, Dims.of(rows.dims().get(0), Dim.ONE).plus(new Dims(aligned)));
  }

  private static Dims ones(int rank) {
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < rank; k++) {
      ones = ones.plus(Dim.ONE);
    }
    return ones;
  }
}
