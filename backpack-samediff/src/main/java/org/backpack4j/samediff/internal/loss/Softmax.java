package org.backpack4j.samediff.internal.loss;

import java.util.List;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * The cross-entropy of softmax, ℓ = −Σ y log p with p = softmax(z) over the last axis, and its
 * derivatives, c [N or 1, V, E…, 1] the weight of each row of classes: gradient c (p Σy − y),
 * Hessian c Σy (diag p − ppᵀ), whatever the labels y add up to.
 *
 * @param e where ops are inserted
 * @param z the logits [N, 1, E…, C]
 * @param y the labels [N or 1, 1, E…, C]
 */
record Softmax(Emitter e, Tensor z, Tensor y) {
  private Tensor probabilities() {
    return SoftmaxFactor.softmax(e, z);
  }

  /** −log p. */
  Tensor surprise() {
    Tensor log = e.map("log_softmax", z, false, v -> e.graph().nn().logSoftmax(v));
    return e.scale(log, -1);
  }

  /** ℓ, [N, 1, E…]. */
  Tensor value() {
    return e.sum(e.mul(y, surprise()), z.rank() - 1, z.rank());
  }

  /**
   * Σy, [N, 1, E…, 1]; labels of negative sum are no labels, and end in NaN, not in a number that
   * looks right.
   */
  private Tensor mass() {
    Tensor sum = e.sum(y, y.rank() - 1, y.rank());
    return e.reshape(sum, sum.dims().plus(Dim.ONE)).knownNonNegative();
  }

  /** p Σy − y. */
  Tensor gradient() {
    return e.sub(e.mul(probabilities(), mass()), y);
  }

  /** The Hessian's exact factor, columns at the logits; none for a single class. */
  List<SignedRoot> columns(Tensor c) {
    return z.dims().get(-1).isOne()
        ? List.of()
        : List.of(SoftmaxFactor.columns(e, probabilities(), e.mul(c, mass())));
  }

  /** Sampled columns √(c Σy / M) (p − a drawn class). */
  List<SignedRoot> sampled(Tensor c, Tensor noise, int columns) {
    Tensor p = probabilities();
    Dims terms = p.dims().range(2, p.rank() - 1);
    Tensor u = e.reshape(noise, Dims.of(Dim.N, Dim.of(columns)).plus(terms).plus(Dim.ONE));
    Tensor drawn = e.sub(p, SoftmaxFactor.draw(e, p, u));
    return SoftmaxFactor.weighted(e, drawn, e.scale(e.mul(c, mass()), 1.0 / columns));
  }
}
