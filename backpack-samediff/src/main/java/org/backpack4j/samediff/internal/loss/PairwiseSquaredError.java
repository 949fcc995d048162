package org.backpack4j.samediff.internal.loss;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.ColumnSource;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.nd4j.autodiff.loss.LossReduce;

/**
 * {@code mean_pairwssqerr_loss}: with the D differences d = z − y of a sample, ℓ = 4 (n Σ d² − (Σ
 * d)²)/(n (n − 1)), n the extent of axis 1 as M2.1 has it (so D = n for predictions of rank 2).
 * Gradient 8 (n d − Σ d)/(n (n − 1)), Hessian 8 (n I − 1 1ᵀ)/(n (n − 1)): D columns and one with
 * the sign −.
 */
final class PairwiseSquaredError extends ReducedLoss {
  @Override
  Dims terms(NodeContext context) {
    Dims terms = Dims.of(context.dims(0).get(0));
    for (int k = 1; k < context.dims(0).rank(); k++) {
      terms = terms.plus(Dim.ONE);
    }
    return terms;
  }

  @Override
  boolean ofDifference() {
    return true;
  }

  @Override
  public void check(NodeContext context) {
    super.check(context);
    Dims dims = context.dims(0);
    if (dims.rank() < 2 || dims.get(1).size() < 2 || dims.get(1).samples()) {
      throw new UnsupportedOpException(
          "predictions of the shape " + dims + " make no pairs",
          "let them have the samples on axis 0 and at least two entries on axis 1");
    }
    if (context.batchAxis(0).folded()) {
      throw new UnsupportedOpException(
          "the samples are folded with another axis", "give them an axis of their own");
    }
    if (dims.rank() > 2 && LossScale.reduction(context) == LossReduce.NONE) {
      throw new UnsupportedOpException(
          "M2.1 answers with garbage without a reduction for predictions of rank " + dims.rank(),
          "reshape the predictions to [samples, entries]");
    }
  }

  private static Tensor difference(NodeContext context) {
    return context.emit().sub(context.value(0), context.value(2));
  }

  private static double n(NodeContext context) {
    return context.dims(0).get(1).size();
  }

  /** Σ over a sample's entries, which stay with extents of one. */
  private static Tensor total(Emitter e, Tensor t) {
    Dims kept = t.dims().range(0, 2);
    for (int k = 2; k < t.rank(); k++) {
      kept = kept.plus(Dim.ONE);
    }
    return e.reshape(e.sum(t, 2, t.rank()), kept);
  }

  @Override
  Tensor values(NodeContext context) {
    Emitter e = context.emit();
    double n = n(context);
    Tensor d = difference(context);
    Tensor squares = e.scale(total(e, e.square(d)), n);
    return e.scale(e.sub(squares, e.square(total(e, d))), 4 / (n * (n - 1)));
  }

  @Override
  Tensor derivative(NodeContext context, int input) {
    Emitter e = context.emit();
    double n = n(context);
    Tensor d = difference(context);
    double factor = (input == 0 ? 8 : -8) / (n * (n - 1));
    return e.scale(e.sub(e.scale(d, n), total(e, d)), factor);
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor above, Set<Integer> active) {
    Emitter e = context.emit();
    double n = n(context);
    Tensor c = e.scale(scale(context, above), 8 / (n * (n - 1)));
    Dims full = context.value(0).dims();
    Tensor each = e.broadcast(c, c.dims().with(0, full.get(0)));
    Tensor all = e.broadcast(each, full);
    SignedRoot diagonal = SignedRoot.diagonal(e, e.scale(all, n));
    Tensor sign = e.reshape(e.sign(each), Dims.of(full.get(0), Dim.ONE));
    List<HessianRoot> groups = new ArrayList<>();
    groups.add(at(e, active, diagonal));
    groups.add(at(e, active, SignedRoot.of(e, e.sqrt(e.abs(all)), e.scale(sign, -1))));
    return groups;
  }

  private static HessianRoot at(Emitter e, Set<Integer> active, SignedRoot columns) {
    Map<Integer, ColumnSource> byInput = new HashMap<>();
    for (int input : active) {
      byInput.put(
          input, input == 0 ? columns.columns() : columns.columns().then(c -> e.scale(c, -1)));
    }
    return new HessianRoot(byInput, columns.signs());
  }

  @Override
  public String name() {
    return "pairwise squared error";
  }
}
