package org.backpack4j.samediff.internal.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code weighted_cross_entropy_with_logits} of targets t, logits z and weights w of the positive
 * targets (one, or one for each entry of the last axis), a result for each entry: ℓ = (1 − t) z +
 * (1 + (w − 1) t) log(1 + exp(−z)).
 */
final class WeightedCrossEntropy implements LossRule {
  private static final int TARGETS = 0;
  private static final int LOGITS = 1;
  private static final int WEIGHTS = 2;

  @Override
  public Set<Integer> predictions() {
    return Set.of(LOGITS);
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return BatchAxes.broadcast(context, output);
  }

  private static Tensor aligned(NodeContext context, int input) {
    return context.emit().cast(context.aligned(input, 0), context.type(LOGITS));
  }

  /** 1 + (w − 1) t. */
  private static Tensor factor(NodeContext context) {
    Emitter e = context.emit();
    return e.plus(e.mul(e.plus(aligned(context, WEIGHTS), -1), aligned(context, TARGETS)), 1);
  }

  /** −z. */
  private static Tensor negative(NodeContext context) {
    return context.emit().scale(aligned(context, LOGITS), -1);
  }

  /** ∂ℓ/∂t, ∂ℓ/∂z or ∂ℓ/∂w. */
  private static Tensor derivative(NodeContext context, int input) {
    Emitter e = context.emit();
    Tensor negative = negative(context);
    return switch (input) {
      case TARGETS ->
          e.add(
              negative, e.mul(e.plus(aligned(context, WEIGHTS), -1), Losses.softplus(e, negative)));
      case LOGITS ->
          e.sub(
              e.minus(1, aligned(context, TARGETS)),
              e.mul(factor(context), Losses.sigmoid(e, negative)));
      default -> e.mul(aligned(context, TARGETS), Losses.softplus(e, negative));
    };
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor above) {
    Tensor product = context.emit().mul(above, derivative(context, input));
    return context.unaligned(input, output, product);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Tensor aligned = context.alignedTangent(input, output, tangent);
    Tensor here = e.cast(aligned, context.type(LOGITS));
    return context.filled(output, e.mul(here, derivative(context, input)));
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    if (!active.equals(Set.of(LOGITS))) {
      throw new UnsupportedOpException(
          "the targets or weights of the loss depend on a parameter",
          "make them constant (the op reads targets, logits, weights in this order; M2.1's class"
              + " WeightedCrossEntropyLoss hands them over in another)");
    }
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor above, Set<Integer> active) {
    Emitter e = context.emit();
    Tensor z = aligned(context, LOGITS);
    Tensor p = e.mul(Losses.sigmoid(e, z), Losses.sigmoid(e, negative(context)));
    Tensor d = e.mul(e.mul(above, factor(context)), p);
    Dims full = Dims.of(d.dims().get(0), Dim.ONE).plus(context.perSample(LOGITS));
    return List.of(HessianRoot.at(LOGITS, SignedRoot.diagonal(e, e.broadcast(d, full))));
  }

  @Override
  public String name() {
    return "weighted cross-entropy";
  }
}
