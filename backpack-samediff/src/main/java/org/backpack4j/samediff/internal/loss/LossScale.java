package org.backpack4j.samediff.internal.loss;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What one of ND4J's reduced losses multiplies its terms by: L = Σ c ℓ over the terms, c made of
 * the weights, the reduction, and what comes in from above (a factor behind the loss, which
 * SameDiff's own gradient ignores).
 *
 * <p>With weights w, broadcast to the terms: SUM c = w; MEAN_BY_WEIGHT c = w / Σ w;
 * MEAN_BY_NONZERO_WEIGHT_COUNT c = w / #{w ≠ 0}; NONE c = w, the cotangent from above per term.
 * Where Σ w or the count is zero, so is the loss.
 */
final class LossScale {
  private static final int WEIGHTS = 1;

  private final NodeContext context;
  private final Emitter e;
  private final Dims terms;
  private final Dims part;
  private final DataType type;
  private final LossReduce reduce;

  /**
   * The scale of a node.
   *
   * @param context a loss node with the inputs predictions, weights, labels
   * @param terms the shape of all terms, in the predictions' layout; the sample axis where the
   *     predictions have it
   */
  LossScale(NodeContext context, Dims terms) {
    this.context = context;
    this.e = context.emit();
    this.terms = terms;
    this.part = context.batchAxis(0).perSample(terms);
    this.type = context.type(0);
    this.reduce = reduction(context);
  }

  @SuppressWarnings("EnumOrdinal") // as ND4J keeps it
  static LossReduce reduction(NodeContext context) {
    return LossReduce.values()[(int) context.node().iArg(0, LossReduce.SUM.ordinal())];
  }

  /**
   * The factors.
   *
   * @param above the cotangent at the loss: [1 or N, V, F…]
   * @return c, [N or 1, V, E…] with ones where it is the same along an axis; E the per-sample shape
   *     of the terms
   */
  Tensor of(Tensor above) {
    Tensor weights = weights();
    Tensor incoming = incoming(above);
    return switch (reduce) {
      case NONE, SUM -> e.mul(incoming, weights);
      case MEAN_BY_WEIGHT ->
          weights.literal() != null
              ? e.mul(incoming, e.scale(inverseCount(), weights.literal() == 0 ? 0 : 1))
              : e.mul(e.mul(incoming, weights), inverse(total(weights)));
      case MEAN_BY_NONZERO_WEIGHT_COUNT ->
          weights.literal() != null
              ? e.mul(incoming, e.scale(inverseCount(), weights.literal()))
              : e.mul(e.mul(incoming, weights), inverse(total(nonZero(weights))));
    };
  }

  /**
   * The derivative with respect to the weights.
   *
   * @param values the terms ℓ, [N or 1, 1, E…]
   * @param above the cotangent at the loss
   * @return [N or 1, V, W…], W the shape of one sample's part of the weights
   */
  Tensor byWeights(Tensor values, Tensor above) {
    Tensor incoming = incoming(above);
    Tensor rows =
        switch (reduce) {
          case NONE, SUM -> e.mul(incoming, values);
          case MEAN_BY_WEIGHT ->
              e.mul(
                  e.mul(incoming, inverse(total(weights()))),
                  e.sub(values, e.reshape(context.rawOutput(0), onesOf(2))));
          case MEAN_BY_NONZERO_WEIGHT_COUNT ->
              e.mul(e.mul(incoming, inverse(total(nonZero(weights())))), values);
        };
    Dims aligned = aligned();
    Dims full = rows.dims().range(0, 2).plus(part);
    Tensor sum = e.broadcast(rows, full);
    for (int k = part.rank() - 1; k >= 0; k--) {
      if (aligned.get(k).isOne()) {
        Dims kept = sum.dims().with(k + 2, Dim.ONE);
        sum = e.reshape(e.sum(sum, k + 2, k + 3), kept);
      }
    }
    return e.reshape(sum, sum.dims().range(0, 2).plus(context.perSample(WEIGHTS)));
  }

  /**
   * How terms that are not added up change with their weights.
   *
   * @param values the terms ℓ, [N or 1, 1, E…]
   * @param tangent the tangent at the weights [N or 1, V, W…]
   * @return [N or 1, V, E…]
   */
  Tensor ofWeights(Tensor values, Tensor tangent) {
    Tensor product = e.mul(values, e.reshape(tangent, tangent.dims().range(0, 2).plus(aligned())));
    return e.broadcast(product, product.dims().range(0, 2).plus(part));
  }

  /** What comes from above, at each term or for all terms: [N or 1, V, E… or ones]. */
  private Tensor incoming(Tensor above) {
    Dims lead = above.dims().range(0, 2);
    return e.reshape(above, lead.plus(reduce == LossReduce.NONE ? part : onesOf(0)));
  }

  private Tensor nonZero(Tensor weights) {
    return e.greater(e.abs(weights), 0);
  }

  private Dim samples() {
    return context.batchAxis(0).hasSamples() ? Dim.N : Dim.ONE;
  }

  /** One over the number of terms. */
  private Tensor inverseCount() {
    Tensor inverse = e.literal(1.0 / part.product().size(), type, onesOf(2));
    if (!samples().samples()) {
      return inverse;
    }
    Tensor n = e.reshape(e.sum(e.onesOverSamples(type), 0, 1), onesOf(2));
    return e.div(inverse, n).knownNonNegative();
  }

  /** One over a total, zero where the total is zero, as in ND4J. */
  private Tensor inverse(Tensor total) {
    Tensor none = e.minus(1, e.greater(e.abs(total), 0));
    return e.div(e.minus(1, none), e.add(total, none));
  }

  /** The sum of weights over all terms. */
  private Tensor total(Tensor weights) {
    Tensor all = e.broadcast(weights, Dims.of(samples(), Dim.ONE).plus(part));
    return e.reshape(e.sumOverSamples(e.sum(all, 1, all.rank())), onesOf(2));
  }

  /** Weights [N or 1, 1, E…] with ones where they are broadcast. */
  Tensor weights() {
    INDArray known = context.constant(WEIGHTS);
    if (known != null && known.length() == 1) {
      return e.literal(known.getDouble(0), type, onesOf(2));
    }
    Tensor rows = context.samplesFirst(WEIGHTS);
    Tensor aligned = e.reshape(rows, Dims.of(rows.dims().get(0), Dim.ONE).plus(aligned()));
    return known != null && known.minNumber().doubleValue() >= 0
        ? aligned.knownNonNegative()
        : aligned;
  }

  /** E with ones where the weights are broadcast. */
  private Dims aligned() {
    Dims dims = weightsDims(context, terms);
    BatchAxis place = context.batchAxis(0);
    List<Dim> aligned = new ArrayList<>();
    for (int k = 0; k < dims.rank(); k++) {
      Dim dim = dims.get(k);
      if (!place.hasSamples() || k != place.axis()) {
        aligned.add(dim);
      } else if (place.folded()) {
        aligned.add(dim.samples() ? part.get(k) : Dim.ONE);
      }
    }
    return new Dims(aligned);
  }

  /** The weights' shape with as many axes as the terms have. */
  private static Dims weightsDims(NodeContext context, Dims terms) {
    Dims dims = context.dims(WEIGHTS);
    if (dims.product().isOne()) {
      return ones(terms.rank());
    }
    if (terms.rank() == 1) {
      return Dims.of(dims.product()); // [N, 1] or [1, N]
    }
    return ones(terms.rank() - dims.rank()).plus(dims);
  }

  /** Whether the weights can be broadcast to the terms as ND4J does it. */
  static void check(NodeContext context, Dims terms) {
    Dims own = context.dims(WEIGHTS);
    boolean fit = own.rank() <= terms.rank() || terms.rank() == 1 || own.product().isOne();
    if (fit) {
      Dims dims = weightsDims(context, terms);
      for (int k = 0; k < dims.rank(); k++) {
        fit &= dims.get(k).isOne() || dims.get(k).equals(terms.get(k));
      }
    }
    if (!fit) {
      throw new UnsupportedOpException(
          "the weights of the loss have the shape " + own + ", its terms " + terms,
          "give the weights the terms' shape, or ones where they are the same");
    }
  }

  /** Whether the weights have their samples where the terms have them. */
  static boolean samplesFit(NodeContext context, Dims terms) {
    BatchAxis own = context.batchAxis(WEIGHTS);
    BatchAxis place = context.batchAxis(0);
    if (!own.hasSamples()) {
      return true;
    }
    int axis = terms.rank() == 1 ? 0 : own.axis() + terms.rank() - context.dims(WEIGHTS).rank();
    return place.hasSamples()
        && axis == place.axis()
        && own.outer() == place.outer()
        && own.inner() == place.inner();
  }

  private Dims onesOf(int more) {
    return ones(part.rank() + more);
  }

  private static Dims ones(int rank) {
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < rank; k++) {
      ones = ones.plus(Dim.ONE);
    }
    return ones;
  }
}
