package org.backpack4j.samediff.internal.loss;

import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Normaliser;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.nd4j.autodiff.loss.LossReduce;

/**
 * A loss op of ND4J with the inputs predictions, weights and labels, and one of its reductions: L =
 * Σ c ℓ, the terms ℓ functions of predictions and labels, c as {@link LossScale} has it.
 */
abstract class ReducedLoss implements LossRule {
  private static final int WEIGHTS = 1;
  private static final int LABELS = 2;

  /** The shape of all terms, in the predictions' layout. */
  abstract Dims terms(NodeContext context);

  /** The terms ℓ, [N, 1, E…]. */
  abstract Tensor values(NodeContext context);

  /**
   * The derivative of the terms with respect to their predictions, or to their labels.
   *
   * @param input 0 or 2
   * @return [N, 1, F…]
   */
  abstract Tensor derivative(NodeContext context, int input);

  @Override
  public boolean couples(NodeContext context, int input) {
    return input == WEIGHTS && LossScale.reduction(context) == LossReduce.MEAN_BY_WEIGHT;
  }

  @Override
  public Normaliser normaliser(NodeContext context) {
    LossReduce reduce = LossScale.reduction(context);
    if (reduce == LossReduce.NONE || reduce == LossReduce.SUM) {
      return Normaliser.NONE;
    }
    String weights = context.node().inputs().get(WEIGHTS);
    if (!context.batchAxis(WEIGHTS).hasSamples()) {
      return Normaliser.SAMPLES; // the same for each sample
    }
    return reduce == LossReduce.MEAN_BY_WEIGHT
        ? Normaliser.sum(weights)
        : Normaliser.nonzero(weights);
  }

  /** Whether the terms are functions of predictions minus labels. */
  boolean ofDifference() {
    return false;
  }

  /** A factor for each term as one for each prediction: [N, V, E…] to the rank of [N, V, F…]. */
  Tensor toPredictions(NodeContext context, Tensor c) {
    return c;
  }

  @Override
  public Set<Integer> predictions() {
    return ofDifference() ? Set.of(0, LABELS) : Set.of(0);
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    boolean none = LossScale.reduction(context) == LossReduce.NONE;
    BatchAxis place = context.batchAxis(0);
    BatchAxis labels = context.batchAxis(LABELS);
    boolean fit =
        (!labels.hasSamples() || labels.equals(place))
            && LossScale.samplesFit(context, terms(context));
    String coupling = fit ? null : "the loss compares predictions with labels or weights of others";
    BatchAxis without = BatchAxes.withoutAxis(context);
    if (without.kind() == BatchAxis.Kind.UNBATCHED) {
      return without;
    }
    if (!none || !place.hasSamples()) {
      return BatchAxis.reduced(coupling);
    }
    BatchAxis samples = BatchAxis.samples(place.axis(), place.outer(), place.inner());
    return coupling == null ? samples : samples.coupling(coupling);
  }

  @Override
  public void check(NodeContext context) {
    BatchAxis place = context.batchAxis(0);
    if (place.hasSamples() && place.axis() >= terms(context).rank()) {
      throw new UnsupportedOpException(
          "the samples are on the class axis", "keep the classes on the last axis");
    }
    LossScale.check(context, terms(context));
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return context.type(input).isFPType();
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor above) {
    LossScale scale = new LossScale(context, terms(context));
    return input == WEIGHTS
        ? scale.byWeights(values(context), above)
        : context.emit().mul(derivative(context, input), toPredictions(context, scale.of(above)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    if (LossScale.reduction(context) != LossReduce.NONE) {
      return LossRule.super.jvp(context, input, output, tangent);
    }
    Emitter e = context.emit();
    Dims terms = context.batchAxis(0).perSample(terms(context));
    LossScale scale = new LossScale(context, terms(context));
    if (input == WEIGHTS) {
      Tensor weighted = scale.ofWeights(values(context), tangent);
      Dims lead = weighted.dims().range(0, 2);
      return e.reshape(weighted, lead.plus(context.outputPerSample(output)));
    }
    Tensor slope = e.mul(derivative(context, input), toPredictions(context, scale.weights()));
    Tensor product = e.mul(tangent, slope);
    boolean classes = terms.rank() < product.rank() - 2;
    Tensor sums = context.summed(product, classes ? terms.plus(Dim.ONE) : terms);
    return e.reshape(sums, sums.dims().range(0, 2).plus(context.outputPerSample(output)));
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    if (active.contains(WEIGHTS) || (active.contains(LABELS) && !ofDifference())) {
      throw new UnsupportedOpException(
          "the labels or weights of the loss depend on a parameter",
          "use a loss of predictions minus labels, or make the labels constant");
    }
  }

  /** c [N or 1, 1, …], to multiply the predictions' Hessian by. */
  Tensor scale(NodeContext context, Tensor above) {
    return toPredictions(context, new LossScale(context, terms(context)).of(above));
  }
}
