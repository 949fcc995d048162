package org.backpack4j.samediff.internal.loss;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A loss that is a sum of terms ℓ(z, y), one for each prediction z: gradient c ℓ'(z, y), Hessian
 * diag(c ℓ''(z, y)).
 */
public final class ElementwiseLoss extends ReducedLoss {
  /** A function of a prediction and its label, both [N, 1, F…]. */
  @FunctionalInterface
  public interface Term {
    /**
     * Emits the function.
     *
     * @param e where ops are inserted
     * @param z the predictions
     * @param y the labels
     * @param context the node, for its arguments
     * @return the value [N, 1, F…]
     */
    Tensor at(Emitter e, Tensor z, Tensor y, NodeContext context);
  }

  /** Draws columns whose outer products have ℓ'' as their mean. */
  @FunctionalInterface
  public interface Sampler {
    /**
     * Emits a sample.
     *
     * @param e where ops are inserted
     * @param z the predictions [N, 1, F…]
     * @param noise uniform numbers, each [N, M, F…]
     * @return the sampled columns [N, M, F…]
     */
    Tensor draw(Emitter e, Tensor z, List<Tensor> noise);
  }

  private final String name;
  private final Term value;
  private final Term first;
  private final @Nullable Term second;
  private final @Nullable Term byLabel;
  private final @Nullable Sampler sampler;
  private final int draws;

  private ElementwiseLoss(
      String name,
      Term value,
      Term first,
      @Nullable Term second,
      @Nullable Term byLabel,
      @Nullable Sampler sampler,
      int draws) {
    this.name = name;
    this.value = value;
    this.first = first;
    this.second = second;
    this.byLabel = byLabel;
    this.sampler = sampler;
    this.draws = draws;
  }

  /** A loss of z − y: its derivative by the label is −ℓ'. A second derivative of null is zero. */
  static ElementwiseLoss ofDifference(String name, Term value, Term first, @Nullable Term second) {
    return new ElementwiseLoss(name, value, first, second, null, null, 0);
  }

  /** Any other loss, with its derivative by the label. */
  static ElementwiseLoss of(
      String name, Term value, Term first, @Nullable Term second, Term byLabel) {
    return new ElementwiseLoss(name, value, first, second, byLabel, null, 0);
  }

  /** The same loss as a negative log-likelihood: how labels are drawn. */
  ElementwiseLoss sampledBy(int numbers, Sampler draw) {
    return new ElementwiseLoss(name, value, first, second, byLabel, draw, numbers);
  }

  @Override
  Dims terms(NodeContext context) {
    return context.dims(0);
  }

  private static Tensor labels(NodeContext context) {
    return context.emit().cast(context.value(2), context.type(0));
  }

  private static Tensor at(NodeContext context, Term term) {
    return term.at(context.emit(), context.value(0), labels(context), context);
  }

  @Override
  boolean ofDifference() {
    return byLabel == null;
  }

  @Override
  Tensor values(NodeContext context) {
    return at(context, value);
  }

  @Override
  Tensor derivative(NodeContext context, int input) {
    if (input == 0) {
      return at(context, first);
    }
    return byLabel == null ? context.emit().scale(at(context, first), -1) : at(context, byLabel);
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return second == null && (active.equals(Set.of(0)) || (ofDifference() && !active.contains(1)));
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor above, Set<Integer> active) {
    Emitter e = context.emit();
    Tensor d = e.mul(at(context, Objects.requireNonNull(second)), scale(context, above));
    Dims part = context.perSample(0);
    Tensor full = e.broadcast(d, d.dims().range(0, 2).plus(part));
    SignedRoot columns = SignedRoot.diagonal(e, d.nonNegative() ? full.knownNonNegative() : full);
    Map<Integer, ColumnSource> byInput = new HashMap<>();
    for (int input : active) {
      byInput.put(
          input, input == 0 ? columns.columns() : columns.columns().then(c -> e.scale(c, -1)));
    }
    return List.of(new HessianRoot(byInput, columns.signs()));
  }

  @Override
  public List<HessianRoot> sampled(NodeContext context, Tensor above, Tensor noise, int columns) {
    Emitter e = context.emit();
    Dims part = context.perSample(0);
    Tensor apart = e.reshape(noise, Dims.of(Dim.N, Dim.of(columns), Dim.of(draws)).plus(part));
    List<Tensor> numbers = new ArrayList<>();
    for (int k = 0; k < draws; k++) {
      numbers.add(
          e.reshape(e.slice(apart, 2, k, k + 1), Dims.of(Dim.N, Dim.of(columns)).plus(part)));
    }
    Tensor drawn = Objects.requireNonNull(sampler).draw(e, context.value(0), numbers);
    return HessianRoot.all(
        0, SoftmaxFactor.weighted(e, drawn, e.scale(scale(context, above), 1.0 / columns)));
  }

  @Override
  public long draws(NodeContext context) {
    return draws * context.perSample(0).product().size();
  }

  @Override
  public String name() {
    return name;
  }
}
